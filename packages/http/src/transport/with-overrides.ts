/**
 * The object itself, except for these members. A proxy and not a copy of the interface: what a
 * transport calls in its next version goes through. The other methods run on the object itself,
 * where its private fields are.
 */
export function withOverrides<Target extends object>(
	target: Target,
	members: Partial<Target>,
): Target {
	// Bound once for each method: these are on the way of every request.
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
