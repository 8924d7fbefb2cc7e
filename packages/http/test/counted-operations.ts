/** One operation on storage or on a stream manager. */
export interface Operation {
	readonly name: string;
	/** The first argument: the session's id, where the operation is about one. */
	readonly about: unknown;
}

/** The same object, each call of its methods noted before it is made. */
export function counted<Target extends object>(target: Target, operations: Operation[]): Target {
	return new Proxy(target, {
		get(_target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			return (...args: unknown[]): unknown => {
				operations.push({ name: String(key), about: args[0] });
				return Reflect.apply(member, target, args) as unknown;
			};
		},
	});
}
