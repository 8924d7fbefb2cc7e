import { isWorkers } from './platform.ts';

const warned = new Set<string>();

/** Prints a warning, once for an isolate. */
function warnOnce(message: string): void {
	if (warned.has(message)) return;
	warned.add(message);
	console.warn(`[tmcp-sessions/http] ${message}`);
}

/** The paths of the handlers that were created in requests. */
const createdInRequests = new Set<string>();

/** Warns if a Worker creates a handler in each request. One that is created at the first request is fine. */
export function checkCreation(owner: string, path: string | null): void {
	if (!isWorkers() || !isInRequest()) return;
	const key = `${owner} ${path}`;
	if (createdInRequests.has(key)) {
		warnOnce(
			`${owner} was called in a request again: each handler has its own sessions, streams and ` +
				'listeners. Call it once, at module scope, and use the result in fetch',
		);
	}
	createdInRequests.add(key);
}

/** Warns of sessions that outlive the isolate which holds their streams. */
export function warnOfMissingStreams(owner: string): void {
	if (!isWorkers()) return;
	warnOnce(
		`${owner} has info and no streams: messages reach only the streams of this isolate, which end ` +
			'with it. Set streams to new DurableObjectStreamSessionManager() of ' +
			'@tmcp-sessions/streams-durable-object, or to new InMemoryStreamSessionManager() to keep it so',
	);
}

/** Warns of streams that no client can open. */
export function warnOfMissingInfo(owner: string): void {
	warnOnce(
		`${owner} has streams and no info: without session metadata there are no sessions, and streams is ` +
			"not used. Set info to a manager such as new KVInfoSessionManager() of '@tmcp-sessions/info-kv', " +
			'or leave streams out',
	);
}

/** Whether code runs in a request: workerd refuses random values at module scope. */
function isInRequest(): boolean {
	try {
		crypto.randomUUID();
		return true;
	} catch {
		return false;
	}
}
