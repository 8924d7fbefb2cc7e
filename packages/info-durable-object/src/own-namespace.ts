import type { SessionShard } from './session-shard.ts';

/**
 * The namespace that an object is in, whatever its class and binding are called: that of the Worker's
 * exports or bindings that knows the object's id, which no other does.
 *
 * @param candidates `ctx.exports` (since compatibility date 2025-11-17) and `env`.
 * @returns `undefined` where the object's Worker has no way to its own namespace.
 */
export function ownNamespace(
	id: DurableObjectId,
	...candidates: (object | undefined)[]
): DurableObjectNamespace<SessionShard> | undefined {
	return candidates
		.flatMap((bindings): unknown[] => Object.values(bindings ?? {}))
		.find((binding): binding is DurableObjectNamespace<SessionShard> => knows(binding, id));
}

function knows(binding: unknown, id: DurableObjectId): boolean {
	if (!isNamespace(binding)) return false;
	try {
		return binding.idFromString(id.toString()).equals(id);
	} catch {
		return false; // It is an id of another namespace.
	}
}

function isNamespace(binding: unknown): binding is DurableObjectNamespace {
	const isObject =
		(typeof binding === 'object' && binding !== null) || typeof binding === 'function';
	// A service has every method that it is asked for, and `fetch`, which a namespace has not.
	return isObject && 'idFromString' in binding && !('fetch' in binding);
}
