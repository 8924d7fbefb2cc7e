import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { isObject, withOverrides } from '@tmcp-sessions/http/internal';

import type { CallJournal } from '../features/call-journal.ts';
import type { SessionServer } from './session.ts';

type Receive = SessionServer['receive'];

/** A server whose calls of tools are noted, and who is told that one can be resumed. */
export interface TrackedCalls {
	readonly server: SessionServer;
	readonly onPrimed: (scope: RequestScope, stream: string) => void;
}

/**
 * The server as the handler gets to see it: itself, but that calls of its tools are noted while they
 * are at work.
 *
 * @param run runs a call, see `SessionObject.runCall`.
 */
export function trackedCalls(
	server: SessionServer,
	calls: CallJournal,
	run: (
		call: { tool: string; arguments: unknown },
		work: () => Promise<unknown>,
	) => Promise<unknown>,
): TrackedCalls {
	const notes = new WeakMap<RequestScope, string>();
	const receive = async (...[message, context]: Parameters<Receive>): Promise<unknown> => {
		const call = callIn(message);
		if (!call) return server.receive(message, context);
		const scope = currentScope();
		const work = async (): Promise<unknown> => server.receive(message, context);
		return calls.run(
			{ ...call, session: context?.sessionId ?? '' },
			() => run(call, work),
			(id) => {
				if (scope) notes.set(scope, id);
			},
		);
	};
	return {
		// Sound: the same method with its type parameters left out.
		server: withOverrides(server, { receive } as Partial<SessionServer>),
		onPrimed(scope, stream) {
			const id = notes.get(scope);
			if (id !== undefined) calls.primed(id, stream);
		},
	};
}

function callIn(
	message: unknown,
): { tool: string; arguments: unknown; messageId: number | string } | undefined {
	if (!isObject(message) || message['method'] !== 'tools/call') return undefined;
	const { id, params } = message;
	if (typeof id !== 'string' && typeof id !== 'number') return undefined;
	if (!isObject(params) || typeof params['name'] !== 'string') return undefined;
	return { tool: params['name'], arguments: params['arguments'], messageId: id };
}
