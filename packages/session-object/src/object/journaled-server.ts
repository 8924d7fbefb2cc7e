import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { isBackgroundCall, isObject, withOverrides } from '@tmcp-sessions/http/internal';

import type { CallJournal, ToolCall } from '../features/call-journal.ts';
import type { SessionServer } from './session.ts';

type Receive = SessionServer['receive'];

/** Wraps the execution of a call, see `SessionObject.runCall`. */
export type RunToolCall = (
	call: { tool: string; arguments: unknown },
	execute: () => Promise<unknown>,
) => Promise<unknown>;

/** A server whose calls are recorded while they are in flight. */
export interface JournaledServer {
	readonly server: SessionServer;
	/** Records the resumable stream of the call that runs in the scope. */
	readonly onPrimed: (scope: RequestScope, stream: string) => void;
}

/** Wraps a server so that the journal records its calls and `runCall` runs them. */
export function createJournaledServer(
	server: SessionServer,
	journal: CallJournal,
	runCall: RunToolCall,
): JournaledServer {
	const recordIds = new WeakMap<RequestScope, string>();
	const receive = async (...[message, context]: Parameters<Receive>): Promise<unknown> => {
		const call = toolCallIn(message);
		if (!call) return server.receive(message, context);
		const scope = currentScope();
		const execute = async (): Promise<unknown> => server.receive(message, context);
		// A task has its own record, from which it starts again.
		if (isBackgroundCall()) return runCall(call, execute);
		return journal.run(
			{ ...call, session: context?.sessionId ?? '' },
			() => runCall(call, execute),
			(id) => {
				if (scope) recordIds.set(scope, id);
			},
		);
	};
	return {
		// Safe because `receive` is the same method without its type parameters.
		server: withOverrides(server, { receive } as Partial<SessionServer>),
		onPrimed(scope, stream) {
			const id = recordIds.get(scope);
			if (id !== undefined) journal.setStream(id, stream);
		},
	};
}

function toolCallIn(message: unknown): Omit<ToolCall, 'session'> | undefined {
	if (!isObject(message) || message['method'] !== 'tools/call') return undefined;
	const { id, params } = message;
	if (typeof id !== 'string' && typeof id !== 'number') return undefined;
	if (!isObject(params) || typeof params['name'] !== 'string') return undefined;
	return { tool: params['name'], arguments: params['arguments'], messageId: id };
}
