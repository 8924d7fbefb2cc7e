/**
 * Returns the object with other members. A proxy and not a copy of the interface: what a later
 * release of the transport calls is forwarded. The other methods run on the object itself, which has
 * its private fields.
 */
export function withOverrides<Target extends object>(
	target: Target,
	members: Partial<Target>,
): Target {
	// Hot path: each method is bound once, not on every request.
	const bound = new Map<PropertyKey, unknown>(Object.entries(members));
	return new Proxy(target, {
		get(_target, key) {
			if (bound.has(key)) return bound.get(key);
			const member: unknown = Reflect.get(target, key);
			if (typeof member !== 'function') return member;
			const method: unknown = member.bind(target);
			bound.set(key, method);
			return method;
		},
	});
}
