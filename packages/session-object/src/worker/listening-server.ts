import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { isObject, withOverrides } from '@tmcp-sessions/http/internal';

import { SERVER_INFO } from '../object/honored-subset.ts';
import type { SessionServer } from '../object/session.ts';

/**
 * The server that a Worker holds listeners with, which is nobody's: what ends a listener names the
 * server of its object.
 */
export class ListeningServer {
	/** As the handler gets to see it. */
	readonly server: SessionServer;
	readonly #names = new WeakMap<RequestScope, unknown>();

	constructor(own: SessionServer) {
		const receive: SessionServer['receive'] = async (message, context) => {
			const scope = currentScope();
			const answer: unknown = await own.receive(message, context);
			return scope ? this.#named(answer, this.#names.get(scope)) : answer;
		};
		this.server = withOverrides(own, { receive });
	}

	/** @param serverInfo of the server that the request of this scope listens to: JSON. */
	name(serverInfo: string | undefined): void {
		const scope = currentScope();
		if (scope && serverInfo !== undefined) this.#names.set(scope, JSON.parse(serverInfo));
	}

	#named(answer: unknown, serverInfo: unknown): unknown {
		if (!isObject(answer) || !isObject(answer['result'])) return answer;
		const { _meta: metadata, ...result } = answer['result'];
		if (!isObject(metadata) || !(SERVER_INFO in metadata)) return answer;
		const { [SERVER_INFO]: _own, ...rest } = metadata;
		const named = serverInfo === undefined ? rest : { ...rest, [SERVER_INFO]: serverInfo };
		return { ...answer, result: { ...result, _meta: named } };
	}
}
