import type { McpServer } from 'tmcp';

import { errorMessage, HttpRejection } from '../request/http-rejection.ts';
import { methodOf } from '../request/json-rpc.ts';
import { currentContext } from '../request/request-context.ts';
import type { TrackedServer } from '../transport/tracked-server.ts';
import { withOverrides } from '../backend/with-overrides.ts';
import { checkStoredParams } from '../validation/stored-params.ts';

type Receive = McpServer['receive'];

/**
 * Returns the server for the transport.
 *
 * - `receive` always resolves: its message was accepted with a 202, so that an error is a response on
 *   the stream. A cancelled call has none.
 * - Tools get the caller and a signal of cancellation, which the transport does not have.
 * - Broadcasts are left to another transport, if one sends them to the same sessions.
 */
export function servedServer<Server extends Pick<McpServer, 'on' | 'receive'>>(
	{ server, handle }: TrackedServer<Server>,
	broadcasts: boolean,
): Server {
	const receive = async (...[message, receiveContext]: Parameters<Receive>): Promise<unknown> => {
		const context = currentContext();
		const abort = new AbortController();
		context?.progress.signal.addEventListener('abort', () => abort.abort());
		const auth = context?.origin.auth ? { auth: context.origin.auth } : {};
		try {
			checkStoredParams(methodOf(message), message);
			const own = { ...receiveContext, ...auth, signal: abort.signal };
			const response = await handle(message, own);
			return abort.signal.aborted ? null : (response ?? null);
		} catch (error) {
			// An error of a notification is reported where it is thrown.
			if (context?.messageId === undefined || abort.signal.aborted) return null;
			if (!(error instanceof HttpRejection)) context.report(error);
			return errorMessage(error, context.messageId);
		} finally {
			context?.progress.markHandled();
		}
	};
	// Safe because this is the same method without its overloads.
	const serverOn = server.on.bind(server) as (event: string, ...rest: unknown[]) => () => void;
	const on = (event: string, ...rest: unknown[]): (() => void) =>
		event === 'broadcast' && !broadcasts ? () => {} : serverOn(event, ...rest);

	// Safe because these are the same methods without their overloads and type parameters.
	return withOverrides(server, { receive, on } as Partial<Server>);
}
