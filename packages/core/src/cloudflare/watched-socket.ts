/**
 * The message with which a Worker checks whether the object still has its socket. The object sends it
 * back. It is neither a frame, nor numbered, nor JSON.
 */
export const SOCKET_CHECK = '?';

/**
 * The time between two checks of a socket. A lost one is found within twice this time. Longer than an
 * object waits before it hibernates, so that it still does.
 */
const CHECK_MS = 15_000;

/**
 * Calls `onLost` if an object does not respond to a check, in the request that owns the socket.
 *
 * Works around releases of workerd, such as that of 2026-07-30: if an object is reset after three or more
 * sockets were opened to it at the same time, they stay open and receive nothing, and no event reports it.
 * A later release closes them with 1006. It needs no checks, which would wake objects.
 */
export function watchSocket(socket: WebSocket, onLost: () => void): void {
	if (reportsLostSockets()) return;
	let hasResponded = true;
	socket.addEventListener('message', () => (hasResponded = true));
	const timer = setInterval(() => {
		if (socket.readyState !== WebSocket.OPEN) return clearInterval(timer);
		if (hasResponded) {
			hasResponded = false;
			return socket.send(SOCKET_CHECK);
		}
		clearInterval(timer);
		onLost();
	}, CHECK_MS);
	socket.addEventListener('close', () => clearInterval(timer));
}

/** Responds to the check of a Worker, which tells it that its socket is not lost. */
export function answerCheck(socket: WebSocket, message: string | ArrayBuffer): void {
	if (message !== SOCKET_CHECK) return;
	try {
		socket.send(SOCKET_CHECK);
	} catch {
		// The Worker has gone.
	}
}

/** Releases that know this flag close the sockets of an object that is reset. */
function reportsLostSockets(): boolean {
	const { Cloudflare: runtime } = globalThis as {
		Cloudflare?: { compatibilityFlags?: object };
	};
	return !runtime || 'expose_draining_reader' in (runtime.compatibilityFlags ?? {});
}
