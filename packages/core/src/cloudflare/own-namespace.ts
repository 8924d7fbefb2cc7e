/** What is asked of a Durable Object's id, so that this package needs no types of a platform. */
interface ObjectId {
	readonly jurisdiction?: string | undefined;
	toString(): string;
	equals(other: ObjectId): boolean;
}

interface Namespace {
	idFromString(id: string): ObjectId;
	jurisdiction(jurisdiction: string): object;
}

/**
 * The namespace that an object is in, whatever its class and binding are called: that of the Worker's
 * exports or bindings that knows the object's id, which no other does. It is that of the object's own
 * jurisdiction, where it has one.
 *
 * @param candidates `ctx.exports` (since compatibility date 2025-11-17) and `env`.
 * @returns `undefined` where the object's Worker has no way to its own namespace.
 */
export function ownNamespace<Own extends object>(
	id: ObjectId,
	...candidates: (object | undefined)[]
): Own | undefined {
	const found = candidates
		.flatMap((bindings): unknown[] => Object.values(bindings ?? {}))
		.find((binding): binding is Namespace => isNamespace(binding) && knows(binding, id));
	const own = found && id.jurisdiction ? found.jurisdiction(id.jurisdiction) : found;
	// Sound: the namespace of an object's own id has objects of its own class.
	return own as Own | undefined;
}

function knows(namespace: Namespace, id: ObjectId): boolean {
	try {
		return namespace.idFromString(id.toString()).equals(id);
	} catch {
		return false; // It is an id of another namespace.
	}
}

function isNamespace(binding: unknown): binding is Namespace {
	const isObject =
		(typeof binding === 'object' && binding !== null) || typeof binding === 'function';
	// A service has every method that it is asked for, and `fetch`, which a namespace has not.
	return isObject && 'idFromString' in binding && !('fetch' in binding);
}
