import { BindingError } from '../errors.ts';

/** What a backend needs to know of its binding to tell it from another. */
export interface BindingKind {
	/** The folder name of the package that asks. */
	readonly packageName: string;
	/** What the binding should be, with its article: "a Workers KV namespace". */
	readonly what: string;
	/** Methods that only this kind of binding has all of. */
	readonly methods: readonly string[];
	/** The lines that wrangler.jsonc needs for a binding of this name. */
	readonly wranglerLines: (name: string) => string;
	/** The name in those lines where the binding itself was given. */
	readonly defaultName: string;
}

/** A Durable Object class that a package exports, on SQLite. */
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
 * The binding itself, given as an object or by its name in `env`. Looked up when it is used and not
 * before, so that a manager can be made at module scope.
 *
 * @param env of `cloudflare:workers`.
 * @throws {BindingError} where it is missing or is something else, with the lines that it takes.
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
		`${isName ? `the binding ${binding}` : 'the binding that was given'} should be ${kind.what}; ` +
			`found ${describe(kind, found)}. wrangler.jsonc needs:\n\n` +
			`${kind.wranglerLines(isName ? binding : kind.defaultName)}\n`,
	);
}

// A binding is a proxy of the runtime: its methods are all that tells what it is, and having those
// that a backend calls is all that the backend relies on.
function isOfKind<Binding>(kind: BindingKind, found: unknown): found is Binding {
	return isObject(found) && !isService(found) && missingMethods(kind, found).length === 0;
}

/** What was found, never its value: a variable may hold a secret. */
function describe(kind: BindingKind, found: unknown): string {
	if (found === undefined || found === null) return `nothing (${String(found)})`;
	if (!isObject(found)) return `a ${typeof found}`;
	if (isService(found)) return 'a service binding';
	const missing = missingMethods(kind, found).map((method) => `${method}()`);
	return `an object without ${missing.join(', ')}`;
}

function missingMethods(kind: BindingKind, found: object): string[] {
	return kind.methods.filter((method) => typeof Reflect.get(found, method) !== 'function');
}

/** In workerd a service binding has every method that it is asked for, `fetch` among them. */
function isService(found: object): boolean {
	return 'fetch' in found;
}

function isObject(value: unknown): value is object {
	return (typeof value === 'object' || typeof value === 'function') && value !== null;
}
