import { BindingError } from './errors.ts';

/** What a backend needs to know of its binding to tell it from another. */
export interface BindingKind {
	/** The folder name of the package that asks. */
	readonly packageName: string;
	/** What it should be, with its article: "a KV namespace". */
	readonly what: string;
	/** Methods that only this kind of binding has all of. */
	readonly methods: readonly string[];
	/** The lines that wrangler.jsonc needs for a binding of this name. */
	readonly wranglerLines: (name: string) => string;
}

/**
 * The binding itself, given as an object or by its name in `env`. Looked up when it is used and not
 * before, so that a manager can be made at module scope.
 *
 * @throws {BindingError} where it is missing or is something else, with the lines that it takes.
 */
export function resolveBinding<Binding extends object>(
	kind: BindingKind,
	binding: string | Binding,
	env: object,
): Binding {
	const found: unknown = typeof binding === 'string' ? Reflect.get(env, binding) : binding;
	if (isOfKind<Binding>(kind, found)) return found;
	const name = typeof binding === 'string' ? binding : 'MY_BINDING';
	const subject = typeof binding === 'string' ? `the binding ${name}` : 'the binding it was given';
	throw new BindingError(
		kind.packageName,
		`${subject} must be ${kind.what}; found ${describe(found)}. ` +
			`wrangler.jsonc needs:\n${kind.wranglerLines(name)}`,
	);
}

// A binding is a proxy of the runtime: its methods are all that tells what it is, and having those
// that a backend calls is all that the backend relies on.
function isOfKind<Binding>(kind: BindingKind, found: unknown): found is Binding {
	if (typeof found !== 'object' || found === null) return false;
	return kind.methods.every((method) => typeof Reflect.get(found, method) === 'function');
}

function describe(found: unknown): string {
	if (found === undefined) return 'nothing';
	if (typeof found !== 'object' || found === null) return `a ${typeof found}`;
	return 'an object without its methods';
}
