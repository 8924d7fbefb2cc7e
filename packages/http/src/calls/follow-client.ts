import type { RequestContext } from '../request/request-context.ts';
import { onAbort } from './on-abort.ts';

/**
 * Aborts a request when its client disconnects, if it ends with the client: the stateless era has no
 * other cancellation. The server's reaction runs in the scope of the request.
 */
export function followClient(context: RequestContext): void {
	const { method, request } = context.origin;
	// The server gets no message of a GET, whose signal would take 2 KiB for as long as its stream is open.
	if (!request || !context.endsWithClient || method !== 'POST') return;
	// Read as late as this: a signal costs as much as the rest of a call's validation.
	onAbort(request.signal, () => context.run(() => context.progress.signal.abort()));
}
