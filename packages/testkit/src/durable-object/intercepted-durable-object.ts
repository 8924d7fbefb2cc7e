/** One RPC to a Durable Object. */
export interface ObjectRpc {
	/** The name of the object, or its id if the stub was not created by name. */
	readonly object: string;
	readonly method: string;
}

/** Members of the stub itself: every other function is a method of the object. */
const OWN_OF_STUB: ReadonlySet<unknown> = new Set(['id', 'name', 'fetch', 'connect', 'dup']);

/**
 * Wraps a Durable Object namespace and passes every RPC to its objects to `intercept`, which calls
 * `proceed` to perform it and returns the result.
 */
export function createInterceptedDurableObject<Namespace extends object>(
	namespace: Namespace,
	intercept: (call: ObjectRpc, proceed: () => Promise<unknown>) => Promise<unknown>,
): Namespace {
	return new Proxy(namespace, {
		get(target, property) {
			const member: unknown = Reflect.get(target, property, target);
			if (typeof member !== 'function') return member;
			if (property !== 'get' && property !== 'getByName') return member.bind(target) as unknown;
			return (...args: unknown[]): unknown => {
				// Safe because both methods of a namespace return a stub.
				const stub = Reflect.apply(member, target, args) as object;
				return interceptedStub(stub, String(args[0]), intercept);
			};
		},
	});
}

function interceptedStub(
	stub: object,
	object: string,
	intercept: (call: ObjectRpc, proceed: () => Promise<unknown>) => Promise<unknown>,
): object {
	return new Proxy(stub, {
		get(target, property) {
			const member: unknown = Reflect.get(target, property, target);
			if (typeof property === 'symbol' || typeof member !== 'function') return member;
			if (OWN_OF_STUB.has(property)) return member.bind(target) as unknown;
			return (...args: unknown[]): Promise<unknown> =>
				intercept({ object, method: property }, async (): Promise<unknown> => {
					const result: unknown = Reflect.apply(member, target, args);
					return result;
				});
		},
	});
}
