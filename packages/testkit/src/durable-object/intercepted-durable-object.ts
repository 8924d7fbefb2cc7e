/** One call of a method of a Durable Object. */
export interface ObjectCall {
	/** The name of the object, or its id where it was not got by name. */
	readonly object: string;
	readonly method: string;
}

/** What a stub has of its own: everything else is a method of the object. */
const OWN_OF_STUB: ReadonlySet<unknown> = new Set(['id', 'name', 'fetch', 'connect', 'dup']);

/**
 * The same Durable Object namespace, except that every method of its objects goes through
 * `intercept`, which calls `proceed` to let it happen and returns what that gave.
 */
export function createInterceptedDurableObject<Namespace extends object>(
	namespace: Namespace,
	intercept: (call: ObjectCall, proceed: () => Promise<unknown>) => Promise<unknown>,
): Namespace {
	return new Proxy(namespace, {
		get(target, property) {
			const member: unknown = Reflect.get(target, property, target);
			if (typeof member !== 'function') return member;
			if (property !== 'get' && property !== 'getByName') return member.bind(target) as unknown;
			return (...args: unknown[]): unknown => {
				// Sound: both methods of a namespace give a stub.
				const stub = Reflect.apply(member, target, args) as object;
				return interceptedStub(stub, String(args[0]), intercept);
			};
		},
	});
}

function interceptedStub(
	stub: object,
	object: string,
	intercept: (call: ObjectCall, proceed: () => Promise<unknown>) => Promise<unknown>,
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
