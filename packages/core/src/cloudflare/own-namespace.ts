import { isObject, isService } from './binding-objects.ts';

/** The used members of a `DurableObjectId`, so that this package needs no types of a platform. */
interface ObjectId {
	readonly jurisdiction?: string | undefined;
	toString(): string;
	equals(other: ObjectId): boolean;
}

interface Namespace {
	idFromName(name: string): ObjectId;
	idFromString(id: string): ObjectId;
	jurisdiction(jurisdiction: string): object;
}

/**
 * Finds the namespace of a Durable Object, whatever its class and binding are called: only its own
 * namespace accepts its id. Returns the subnamespace of the object's jurisdiction, if it has one.
 *
 * @param candidates `ctx.exports` (since compatibility date 2025-11-17) and `env`.
 * @returns `undefined` if the Worker has no binding to the object's namespace.
 */
export function ownNamespace<Own extends object>(
	id: ObjectId,
	...candidates: (object | undefined)[]
): Own | undefined {
	const found = namespacesIn(candidates).find((namespace) => accepts(namespace, id));
	const own = found && id.jurisdiction ? found.jurisdiction(id.jurisdiction) : found;
	// Safe because the namespace of an object's own id contains objects of its own class.
	return own as Own | undefined;
}

/**
 * Finds the namespace of any Durable Object by the object's id.
 *
 * @param object the id, as 64 hexadecimal characters.
 * @param candidates `ctx.exports` and `env`.
 * @returns `undefined` if the Worker has no binding to the object's namespace.
 */
export function namespaceOfObject<Found extends object>(
	object: string,
	...candidates: (object | undefined)[]
): Found | undefined {
	const found = namespacesIn(candidates).find((namespace) => {
		try {
			namespace.idFromString(object);
			return true;
		} catch {
			return false; // The id belongs to another namespace.
		}
	});
	// Safe because the namespace of an id contains objects of its class.
	return found as Found | undefined;
}

function namespacesIn(candidates: readonly (object | undefined)[]): Namespace[] {
	return candidates
		.flatMap((bindings): unknown[] => Object.values(bindings ?? {}))
		.filter(isNamespace);
}

/** Returns the name of the exported class that a namespace belongs to. */
export function classOfNamespace(namespace: object, exports: object): string | undefined {
	if (!isNamespace(namespace)) return undefined;
	const id = namespace.idFromName('class');
	return Object.entries(exports).find(
		([, candidate]) => isNamespace(candidate) && accepts(candidate, id),
	)?.[0];
}

function accepts(namespace: Namespace, id: ObjectId): boolean {
	try {
		return namespace.idFromString(id.toString()).equals(id);
	} catch {
		return false; // The id belongs to another namespace.
	}
}

function isNamespace(binding: unknown): binding is Namespace {
	return isObject(binding) && 'idFromString' in binding && !isService(binding);
}
