/** Never aborts, and so keeps no listener. */
const NEVER: Pick<AbortSignal, 'aborted' | 'addEventListener' | 'removeEventListener'> = {
	aborted: false,
	addEventListener: () => {},
	removeEventListener: () => {},
};

/**
 * The request without the client's signal: one that drops its connection has not cancelled its
 * request. A proxy, since a copy of the request costs a tenth of what the whole call costs.
 */
export function detached(request: Request): Request {
	return new Proxy(request, {
		get(target, key) {
			if (key === 'signal') return NEVER;
			const member: unknown = Reflect.get(target, key, target);
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
}
