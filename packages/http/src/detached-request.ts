/** Never aborts, and so keeps no listener. */
const NEVER: Pick<AbortSignal, 'aborted' | 'addEventListener' | 'removeEventListener'> = {
	aborted: false,
	addEventListener: () => {},
	removeEventListener: () => {},
};

const originals = new WeakMap<Request, Request>();

/**
 * The request without the client's signal: one that drops its connection has not cancelled its
 * request. A proxy, since a copy of the request costs a tenth of what the whole call costs.
 */
export function detached(request: Request): Request {
	const proxy = new Proxy(request, {
		get(target, key) {
			if (key === 'signal') return NEVER;
			const member: unknown = Reflect.get(target, key, target);
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
	originals.set(proxy, request);
	return proxy;
}

/** The request that was detached, for whoever needs a real one: a proxy cannot be copied or sent on. */
export function originalOf(request: Request): Request {
	return originals.get(request) ?? request;
}
