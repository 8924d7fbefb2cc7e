const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|(?:[\w-]+\.)+localhost)$/;

/** Whether a host name is one of this machine. */
export function isLoopback(hostname: string): boolean {
	return LOOPBACK.test(hostname);
}
