import { BindingError } from '../errors.ts';
import { isObject, isService } from './binding-objects.ts';

/** Describes the kind of binding that a backend needs. */
export interface BindingKind {
	/** The folder name of the package that needs it. */
	readonly packageName: string;
	/** What the binding must be, with its article: "a Workers KV namespace". */
	readonly what: string;
	/** Methods that, together, only this kind of binding has. */
	readonly methods: readonly string[];
	/** Returns the lines of wrangler.jsonc for a binding of this name. */
	readonly wranglerLines: (name: string) => string;
	/** The name in those lines if the binding was passed as an object. */
	readonly defaultName: string;
}

/** Describes the binding of a SQLite-backed Durable Object class that a package exports. */
export function durableObjectKind(
	packageName: string,
	className: string,
	defaultName: string,
): BindingKind {
	return {
		packageName,
		what: 'a Durable Object namespace',
		methods: ['newUniqueId', 'idFromName', 'getByName'],
		defaultName,
		wranglerLines: (name) =>
			`  "durable_objects": { "bindings": [{ "name": "${name}", "class_name": "${className}" }] },\n` +
			`  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["${className}"] }]\n\n` +
			`and the Worker's entry:\n\n  export { ${className} } from '@tmcp-sessions/${packageName}';`,
	};
}

/**
 * Returns a binding that is given as an object or by its name in `env`. Call it at first use: no
 * binding needs to exist when a manager is created at module scope.
 *
 * @param env the `env` of `cloudflare:workers`.
 * @throws {BindingError} if the binding is missing or has another kind, with the lines to add.
 */
export function resolveBinding<Binding extends object>(
	kind: BindingKind,
	binding: string | Binding,
	env: object,
): Binding {
	const isName = typeof binding === 'string';
	const found: unknown = isName ? Reflect.get(env, binding) : binding;
	if (isOfKind<Binding>(kind, found)) return found;
	throw new BindingError(
		kind.packageName,
		`the binding ${isName ? `${binding} ` : ''}must be ${kind.what}; got ${describe(kind, found)}. ` +
			`wrangler.jsonc needs:\n\n${kind.wranglerLines(isName ? binding : kind.defaultName)}\n`,
	);
}

// A binding is a proxy of the runtime without a usable prototype: only its methods identify it.
function isOfKind<Binding>(kind: BindingKind, found: unknown): found is Binding {
	return isObject(found) && !isService(found) && missingMethods(kind, found).length === 0;
}

/** Describes the kind of a value but never the value: a variable may hold a secret. */
function describe(kind: BindingKind, found: unknown): string {
	if (found === undefined || found === null) return String(found);
	if (!isObject(found)) return `a ${typeof found}`;
	if (isService(found)) return 'a service binding';
	const missing = missingMethods(kind, found).map((method) => `${method}()`);
	return `an object without ${missing.join(', ')}`;
}

function missingMethods(kind: BindingKind, found: object): string[] {
	return kind.methods.filter((method) => typeof Reflect.get(found, method) !== 'function');
}
