import { checkStoredParams } from '../validation/stored-params.ts';
import { currentContext } from '../transport/tracked-server.ts';
import { errorMessage, HttpRejection, rejectionDetailOf } from '../request/http-rejection.ts';
import { methodOf } from '../request/json-rpc.ts';
import { withOverrides } from '../transport/with-overrides.ts';
import type { McpServer } from 'tmcp';

type Receive = McpServer['receive'];

/**
 * The server as the transport gets to see it: itself, but that
 *
 * - `receive` always comes to what is to be sent: its message was accepted with a 202, so an error
 *   is an answer on the stream like any other. A call that was cancelled has none;
 * - tools see who calls and when they are cancelled, of which the transport knows nothing;
 * - changes are left to another transport that tells the same sessions of them.
 */
export function servedServer<Server extends Pick<McpServer, 'on' | 'receive'>>(
	server: Server,
	isTeller: boolean,
): Server {
	const receive = async (...[message, context]: Parameters<Receive>): Promise<unknown> => {
		const work = currentContext();
		const abort = new AbortController();
		work?.signal.addEventListener('abort', () => abort.abort());
		const auth = work?.auth ? { auth: work.auth } : {};
		try {
			checkStoredParams(methodOf(message), message);
			const own = { ...context, ...auth, signal: abort.signal };
			const response: unknown = await server.receive(message, own);
			return abort.signal.aborted ? null : (response ?? work?.response ?? null);
		} catch (error) {
			// Of what is no request, whoever threw it has reported it.
			if (work?.messageId === undefined || abort.signal.aborted) return null;
			if (!(error instanceof HttpRejection)) work.report(error);
			return errorMessage(rejectionDetailOf(error), work.messageId);
		}
	};
	// Sound: the same method with its overloads left out.
	const serverOn = server.on.bind(server) as (event: string, ...rest: unknown[]) => () => void;
	const on = (event: string, ...rest: unknown[]): (() => void) =>
		event === 'broadcast' && !isTeller ? () => {} : serverOn(event, ...rest);

	// Sound: the same methods with their overloads and type parameters left out.
	return withOverrides(server, { receive, on } as Partial<Server>);
}
