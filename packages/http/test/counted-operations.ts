/** One operation on storage or on a stream manager. */
export interface Operation {
	readonly name: string;
	/** The first argument: the session id, if the operation concerns a session. */
	readonly subject: unknown;
}

/** Wraps an object; records each method call before it is forwarded. */
export function countOperations<Target extends object>(
	target: Target,
	operations: Operation[],
): Target {
	return new Proxy(target, {
		get(_target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			return (...args: unknown[]): unknown => {
				operations.push({ name: String(key), subject: args[0] });
				return Reflect.apply(member, target, args) as unknown;
			};
		},
	});
}
