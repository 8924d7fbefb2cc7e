import type { ConfigPath, WranglerConfig } from './read-config.ts';

/** The kind of a binding in the configuration. */
type DeclaredKind =
	| 'a Workers KV namespace'
	| 'a Durable Object namespace'
	| 'an R2 bucket'
	| 'a Workflow'
	| 'a queue'
	| 'another binding';

/** A binding of the configuration. */
export interface DeclaredBinding {
	readonly name: string;
	readonly kind: DeclaredKind | 'a variable';
	readonly path: ConfigPath;
	/** The class of a Durable Object namespace or a Workflow. */
	readonly className?: string | undefined;
	/** The Worker that has the class, if it is another one. */
	readonly scriptName?: string | undefined;
}

const LISTS: readonly (readonly [path: ConfigPath, name: string, kind: DeclaredKind])[] = [
	[['kv_namespaces'], 'binding', 'a Workers KV namespace'],
	[['durable_objects', 'bindings'], 'name', 'a Durable Object namespace'],
	[['r2_buckets'], 'binding', 'an R2 bucket'],
	[['d1_databases'], 'binding', 'another binding'],
	[['services'], 'binding', 'another binding'],
	[['queues', 'producers'], 'binding', 'a queue'],
	[['workflows'], 'binding', 'a Workflow'],
];

/**
 * Returns the bindings of a configuration.
 *
 * @param root the path of an environment, such as `['env', 'staging']`.
 */
export function declaredBindings(config: WranglerConfig, root: ConfigPath = []): DeclaredBinding[] {
	const listed = LISTS.flatMap(([path, nameField, kind]) =>
		config.list(...root, ...path).flatMap((entry, index): DeclaredBinding[] => {
			const name = textOf(entry, nameField);
			if (name === undefined) return [];
			const [className, scriptName] = [textOf(entry, 'class_name'), textOf(entry, 'script_name')];
			return [{ name, kind, path: [...root, ...path, index], className, scriptName }];
		}),
	);
	const vars = Object.keys(Object(config.get(...root, 'vars')) as object).map(
		(name): DeclaredBinding => ({ name, kind: 'a variable', path: [...root, 'vars', name] }),
	);
	return [...listed, ...vars];
}

/** Returns a field of an entry if it is a text. */
export function textOf(entry: unknown, field: string): string | undefined {
	const value: unknown = Reflect.get(Object(entry) as object, field);
	return typeof value === 'string' ? value : undefined;
}

/**
 * Returns the environments of a configuration, with the top level first. A top level without bindings
 * beside environments is not deployed.
 */
export function environmentsOf(config: WranglerConfig): { name: string; root: ConfigPath }[] {
	const names = Object.keys(Object(config.get('env')) as object);
	const isDeployed = names.length === 0 || declaredBindings(config).length > 0;
	return [
		...(isDeployed ? [{ name: '', root: [] }] : []),
		...names.map((name) => ({ name, root: ['env', name] })),
	];
}
