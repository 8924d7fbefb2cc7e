import { messageFrame } from '@tmcp-sessions/core/backend';
import { onAbort, STREAM_HEADERS } from '@tmcp-sessions/http/server';
import type { JsonObject, RequestContext } from '@tmcp-sessions/http/server';
import type { SubscriptionManager } from '@tmcp/session-manager';

import { listen } from './listen.ts';

const encoder = new TextEncoder();

/**
 * Answers `subscriptions/listen` with a stream. Its first frame is the acknowledgement, which the manager
 * sends once changes from every isolate reach the subscription.
 *
 * @param discover answers a `server/discover`.
 */
export function startListening(
	manager: SubscriptionManager,
	context: RequestContext,
	message: JsonObject,
	discover: (message: JsonObject) => Promise<JsonObject | null>,
): Response {
	const { messageId: id = 0, progress } = context;
	const origin = crypto.randomUUID();
	let isOpen = true;
	let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
	const send = (frame: object): void => {
		if (isOpen) stream?.enqueue(encoder.encode(messageFrame(frame)));
	};
	const close = (): void => {
		isOpen = false;
		// Bound to the request and reported by the manager.
		Promise.resolve(manager.close(id, origin, 'cancelled')).catch(() => {});
	};
	const create: SubscriptionManager['create'] = async (...subscription) => {
		const isCreated = await manager.create(...subscription);
		// Its client may have left while it was created.
		if (isCreated && !isOpen) close();
		return isCreated;
	};
	const body = new ReadableStream<Uint8Array>({
		start: (opened) => void (stream = opened),
		cancel: close,
	});
	onAbort(progress.signal, () => {
		if (!isOpen) return;
		stream?.close();
		close();
	});
	const answer = async (): Promise<void> => {
		try {
			send(await listen(message, { create, origin, send }, discover));
			if (isOpen) stream?.close();
		} catch (error) {
			if (isOpen) stream?.error(error);
		} finally {
			isOpen = false;
			progress.markHandled();
		}
	};
	context.waitUntil(answer());
	return new Response(body, { headers: STREAM_HEADERS });
}
