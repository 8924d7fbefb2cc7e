import { ProbeError } from '../probe-error.ts';
import { connectionError } from './connection-error.ts';

/** The address of a server, and how to reach it. */
export interface Connection {
	readonly url: URL;
	/** The headers of the caller, such as `Authorization`. */
	readonly headers: Readonly<Record<string, string>>;
	readonly timeoutMs: number;
	readonly fetch: typeof fetch;
	/** Aborts at Ctrl-C. */
	readonly signal: AbortSignal;
}

/** A request of a check. */
export interface ProbeRequest {
	readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS';
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string;
	/** Whether to send it on a new connection, which may reach another isolate or process. */
	readonly isApart?: boolean;
}

/**
 * Sends a request and resolves with the response as soon as its headers are here.
 *
 * @param stop ends the response, besides the signal of the connection.
 * @throws {ProbeError} if no headers arrive in time.
 */
export async function sendRequest(
	connection: Connection,
	{ method, headers, body, isApart }: ProbeRequest,
	stop?: AbortSignal,
): Promise<Response> {
	const { fetch, signal, timeoutMs, url } = connection;
	// Not a signal of the caller: once the headers are here, the body has other limits.
	const timeout = new AbortController();
	const timer = setTimeout(
		() => timeout.abort(new DOMException('No headers in time', 'TimeoutError')),
		timeoutMs,
	);
	try {
		return await fetch(url, {
			method,
			headers: { ...connection.headers, ...headers, ...(isApart && { connection: 'close' }) },
			redirect: 'manual',
			signal: AbortSignal.any([signal, timeout.signal, ...(stop ? [stop] : [])]),
			...(body !== undefined && { body }),
		});
	} catch (error) {
		if (signal.aborted) throw new ProbeError('interrupted', 'the probe was interrupted', '');
		throw connectionError(url, error, timeoutMs);
	} finally {
		clearTimeout(timer);
	}
}
