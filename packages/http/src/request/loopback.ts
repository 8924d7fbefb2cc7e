const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|(?:[\w-]+\.)+localhost)$/;

const LOOPBACK_ADDRESS = /^(?:127\.|::1$|::ffff:127\.)/i;

/** Whether an IP address is one of this machine. */
export function isLoopbackAddress(address: string): boolean {
	return LOOPBACK_ADDRESS.test(address);
}

/** Whether a request to this machine came from another one, as through a tunnel that sets `Host`. */
export function isForwarded({ headers }: Request): boolean {
	if (headers.has('forwarded') || headers.has('x-forwarded-for')) return true;
	// Set by `wrangler dev`.
	const address = headers.get('cf-connecting-ip');
	return address !== null && !isLoopbackAddress(address);
}

/** Whether a host name is one of this machine. */
export function isLoopback(hostname: string): boolean {
	return LOOPBACK.test(hostname);
}
