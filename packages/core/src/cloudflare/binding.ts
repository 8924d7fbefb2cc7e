import { BindingError } from '../errors.ts';
import { isObject, isService } from './binding-objects.ts';
import { classOfNamespace } from './own-namespace.ts';

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
	/** Set for a Durable Object namespace. */
	readonly durableObject?: DurableObjectClass | undefined;
}

/** The class of a Durable Object namespace. */
export interface DurableObjectClass {
	readonly className: string;
	/** The line with which the Worker's entry exports the class. */
	readonly exportLine: string;
}

/** A binding that a manager or a store uses. */
export interface BindingRequirement {
	readonly kind: BindingKind;
	/** Its name in `env`, or the binding itself. */
	readonly binding: string | object;
	/** The `env` of `cloudflare:workers`. */
	readonly env: object;
}

/** An optional capability of managers and stores: naming the bindings that they use. */
export interface BindingUser {
	/** Returns the bindings, without resolving them. */
	requiredBindings(): readonly BindingRequirement[];
}

/** Returns the bindings of all managers and stores that name them. */
export function bindingsOf(...users: readonly (object | undefined)[]): BindingRequirement[] {
	return users.flatMap((user) => (user && isBindingUser(user) ? user.requiredBindings() : []));
}

function isBindingUser(user: object): user is BindingUser {
	return 'requiredBindings' in user && typeof user.requiredBindings === 'function';
}

/**
 * Describes the binding of a SQLite-backed Durable Object class.
 *
 * @param exportLine default: the package exports the class itself.
 */
export function durableObjectKind(
	packageName: string,
	className: string,
	defaultName: string,
	exportLine = `export { ${className} } from '@tmcp-sessions/${packageName}';`,
): BindingKind {
	const durableObject = { className, exportLine };
	return {
		packageName,
		what: 'a Durable Object namespace',
		methods: ['newUniqueId', 'idFromName', 'getByName'],
		defaultName,
		durableObject,
		wranglerLines: (name) => durableObjectLines([{ name, ...durableObject }]),
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
	const requirement = { kind, binding, env };
	const found = valueOf(requirement);
	if (isOfKind<Binding>(kind, found)) return found;
	throw createError([requirement], [problemOf(requirement) ?? '']);
}

/**
 * Checks that all bindings exist and have the right kind. Reads each method of each binding: call it
 * once for an isolate.
 *
 * @param exports the `ctx.exports` of a Worker: they show which class a namespace belongs to.
 * @returns one error for all bindings that are missing or wrong, with the lines to add.
 */
export function checkBindings(
	requirements: readonly BindingRequirement[],
	exports?: object,
): BindingError | undefined {
	const problems = new Map<string, BindingRequirement>();
	for (const requirement of requirements) {
		const problem = problemOf(requirement, exports);
		// Managers may share a binding.
		if (problem !== undefined) problems.set(problem, requirement);
	}
	return problems.size > 0 ? createError([...problems.values()], [...problems.keys()]) : undefined;
}

/**
 * Matches the platform's error for a method that every release of the classes has. A gradual deployment
 * may make an object lack a later method, which is an outage and no mistake.
 */
const LACKS_METHOD =
	/does not export a fetch|not implement (?:the method )?"(?:read|create|update|end|claim|list|shards|subscribers|sessionsOf|publish|has|delete|keepCall|deliver|answer|isLive|(?:add|remove)(?:Shard|Owner|Owned|Subscribers?|SubscribedShard))"/;

/**
 * Returns the error of an RPC to an object if its class is the reason, which no retry can change:
 * another class, or one without SQLite. `undefined` for every other failure.
 *
 * @param cause what the RPC or `fetch` of a stub has thrown.
 */
export function classErrorOf(
	requirement: BindingRequirement,
	cause: unknown,
): BindingError | undefined {
	const reason = cause instanceof Error ? cause.message : '';
	const isWithoutSqlite = /SQL is not enabled/.test(reason);
	const isOther = LACKS_METHOD.test(reason);
	if (!isWithoutSqlite && !isOther) return undefined;
	const { kind } = requirement;
	const { className = '', exportLine = '' } = kind.durableObject ?? {};
	const subject = `${nameOf(requirement)}must be a namespace of ${className}`;
	if (isOther) {
		return createError([requirement], [`${subject}; got one of another class (${reason})`]);
	}
	const problem =
		`${subject} with SQLite; got a class without it, from "new_classes" or without a migration. If it ` +
		'was never deployed, list it in "new_sqlite_classes" instead. A deployed one cannot change: move ' +
		'to a class of another name';
	const other = `Sqlite${className}`;
	const line = exportLine.includes(`{ ${className} }`)
		? exportLine.replace(className, `${className} as ${other}`)
		: exportLine.replace(className, other);
	const moved = durableObjectKind(kind.packageName, other, kind.defaultName, line);
	return createError([{ ...requirement, kind: moved }], [problem]);
}

function createError(
	requirements: readonly BindingRequirement[],
	problems: readonly string[],
): BindingError {
	const list =
		problems.length > 1
			? `the bindings of this Worker are incomplete:\n\n- ${problems.join('\n- ')}\n\n`
			: `${problems.join('')}. `;
	const named = requirements.map(({ binding, kind }) => ({
		kind,
		name: typeof binding === 'string' ? binding : kind.defaultName,
	}));
	const objects = named.flatMap(({ kind, name }) =>
		kind.durableObject ? [{ name, ...kind.durableObject }] : [],
	);
	const lines = named.flatMap(({ kind, name }) =>
		kind.durableObject ? [] : kind.wranglerLines(name),
	);
	// At the end, because lines of the entry follow.
	if (objects.length > 0) lines.push(durableObjectLines(objects));
	const [first] = requirements;
	const packageName = problems.length > 1 ? 'core' : (first?.kind.packageName ?? 'core');
	return new BindingError(packageName, `${list}wrangler.jsonc needs:\n\n${lines.join(',\n')}\n`);
}

function durableObjectLines(
	objects: readonly (DurableObjectClass & { readonly name: string })[],
): string {
	const unique = [...new Set(objects.map(({ className }) => className))];
	const bindings = objects.map(
		({ className, name }) => `{ "name": "${name}", "class_name": "${className}" }`,
	);
	const exports = unique.map(
		(name) => `"${name}": { "type": "durable-object", "storage": "sqlite" }`,
	);
	return (
		`  "durable_objects": { "bindings": [${bindings.join(', ')}] },\n` +
		`  "migrations": [{ "tag": "<a new tag>", "new_sqlite_classes": ["${unique.join('", "')}"] }]\n\n` +
		'after the migrations that are deployed. A Worker with "exports" instead of "migrations" needs\n\n' +
		`  "exports": { ${exports.join(', ')} }\n\n` +
		`and the Worker's entry:\n\n  ${[...new Set(objects.map(({ exportLine }) => exportLine))].join('\n  ')}`
	);
}

function valueOf({ binding, env }: BindingRequirement): unknown {
	return typeof binding === 'string' ? Reflect.get(env, binding) : binding;
}

function nameOf({ binding }: BindingRequirement): string {
	return `the binding ${typeof binding === 'string' ? `${binding} ` : ''}`;
}

/** Returns why a binding cannot be used. */
function problemOf(requirement: BindingRequirement, exports?: object): string | undefined {
	const { kind } = requirement;
	const found = valueOf(requirement);
	if (!isOfKind(kind, found)) {
		return `${nameOf(requirement)}must be ${kind.what}; got ${describe(kind, found)}`;
	}
	const className = kind.durableObject?.className;
	const actual = className && exports && classOfNamespace(found, exports);
	// A class of another name may extend the required one, unless this family exports it.
	return actual && actual !== className && OF_THIS_FAMILY.has(actual)
		? `${nameOf(requirement)}must be a namespace of ${className}; got one of ${actual}`
		: undefined;
}

const OF_THIS_FAMILY: ReadonlySet<string> = new Set(['SessionShard', 'SyncLayer', 'TaskObject']);

// A binding is a proxy of the runtime without a usable prototype: only its methods identify it.
function isOfKind<Binding extends object>(kind: BindingKind, found: unknown): found is Binding {
	return isObject(found) && !isService(found) && missingMethods(kind, found).length === 0;
}

/** Describes the kind of a value but never the value: a variable may hold a secret. */
function describe(kind: BindingKind, found: unknown): string {
	if (found === undefined || found === null) return String(found);
	if (!isObject(found)) return `a ${typeof found}`;
	if (isService(found)) return 'a service binding';
	const missing = missingMethods(kind, found).map((method) => `${method}()`);
	const constructor: unknown = Reflect.get(found, 'constructor');
	const isPlain = typeof constructor !== 'function' || constructor === Object;
	const type = isPlain ? 'an object' : `a binding of type ${constructor.name}`;
	return `${type} without ${missing.join(', ')}`;
}

function missingMethods(kind: BindingKind, found: object): string[] {
	return kind.methods.filter((method) => typeof Reflect.get(found, method) !== 'function');
}
