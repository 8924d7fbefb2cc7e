import { currentScope, keepAlive } from '@tmcp-sessions/core';
import type { InfoSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import { overridden } from './overridden.ts';
import { RequestWork } from './request-work.ts';

type Receive = McpServer['receive'];
type Listener = (detail: unknown) => unknown;
type On = (event: string, listener: Listener, options?: AddEventListenerOptions) => () => void;

/**
 * The server as the transport gets to see it: itself, but that what the transport starts and does
 * not await is tied to the request. On workerd it would be dropped once the answer has gone.
 *
 * - `receive` holds its answer back until the session's store has confirmed what it wrote, so that
 *   the client's next request finds it in any isolate.
 * - `on` keeps the promises of the transport's listeners, such as a broadcast that looks up the
 *   subscribers first.
 */
export function trackedServer<Server extends Pick<McpServer, 'on' | 'receive'>>(
	server: Server,
	info: InfoSessionManager,
	report: (error: unknown) => void,
): Server {
	const receive = async (...[message, context]: Parameters<Receive>): Promise<unknown> => {
		const scope = currentScope();
		const work = scope instanceof RequestWork ? scope : undefined;
		const isRequest = 'method' in message && 'id' in message;
		if (work && isRequest) {
			work.messageId = message.id;
			work.endsWithClient = message.method === 'subscriptions/listen';
		}
		try {
			work?.begin();
			if (work?.failure) throw work.failure;
			const response: unknown = await server.receive(message, context);
			if (context?.sessionId && canFlush(info)) await info.flush(context.sessionId);
			return response;
		} catch (error) {
			// A request's stream ends with the error; the other messages have been answered already.
			if (!isRequest) report(error);
			throw error;
		} finally {
			work?.finish();
		}
	};
	// Sound: the same method with its overloads left out.
	const serverOn = server.on.bind(server) as On;
	const on: On = (event, listener, options) =>
		serverOn(
			event,
			(detail) => {
				const result = listener(detail);
				if (result instanceof Promise) keepAlive(result, (work) => void work.catch(report));
			},
			options,
		);

	// Sound: the same methods with their overloads and type parameters left out.
	return overridden(server, { receive, on } as Partial<Server>);
}

function canFlush(info: object): info is { flush(id: string): Promise<void> } {
	return 'flush' in info && typeof info.flush === 'function';
}
