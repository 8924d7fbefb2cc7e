import { protocolServer } from './sdk-server.ts';
import type { SdkServer } from './sdk-server.ts';

/**
 * Returns what waits until the server has handled a message of a method. The SDK 2.4 sends nothing for a
 * message that was cancelled, while its tool may still clean up: on workerd it would not get to it after
 * the request has ended.
 *
 * Reads a private field of the SDK, because no public one tells. Without that field, nothing is waited for.
 */
export function trackHandler(server: SdkServer, method: string): () => Promise<void> {
	const handlers: unknown = Reflect.get(protocolServer(server), '_requestHandlers');
	const handler: unknown = handlers instanceof Map ? handlers.get(method) : undefined;
	if (!(handlers instanceof Map) || typeof handler !== 'function') return async () => {};
	let running: unknown;
	handlers.set(method, (...parameters: unknown[]) => {
		running = Reflect.apply(handler, undefined, parameters);
		return running;
	});
	return async () => {
		// The SDK calls the handler in the microtask after it has the message.
		await Promise.resolve();
		try {
			await running;
		} catch {
			// The client has cancelled the message, and gets no error.
		}
	};
}
