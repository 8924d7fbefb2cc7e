import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { isObject, withOverrides } from '@tmcp-sessions/http/internal';

import { SERVER_INFO } from '../object/honored-subset.ts';
import type { SessionServer } from '../object/session.ts';

/**
 * Wraps the router's placeholder server, which opens stateless subscriptions in the Worker. The response
 * that ends a subscription has to name the session's own server instead of the placeholder.
 */
export class SubscriptionServer {
	/** The wrapped server. */
	readonly server: SessionServer;
	readonly #serverInfo = new WeakMap<RequestScope, unknown>();

	constructor(placeholder: SessionServer) {
		const receive: SessionServer['receive'] = async (message, context) => {
			const scope = currentScope();
			const response: unknown = await placeholder.receive(message, context);
			return scope ? withServerInfo(response, this.#serverInfo.get(scope)) : response;
		};
		this.server = withOverrides(placeholder, { receive });
	}

	/** Sets the `serverInfo`, as JSON, for the subscription of the current request. */
	setServerInfo(serverInfo: string | undefined): void {
		const scope = currentScope();
		if (scope && serverInfo !== undefined) this.#serverInfo.set(scope, JSON.parse(serverInfo));
	}
}

function withServerInfo(response: unknown, serverInfo: unknown): unknown {
	if (!isObject(response) || !isObject(response['result'])) return response;
	const { _meta: metadata, ...result } = response['result'];
	if (!isObject(metadata) || !(SERVER_INFO in metadata)) return response;
	const { [SERVER_INFO]: _placeholder, ...rest } = metadata;
	const replaced = serverInfo === undefined ? rest : { ...rest, [SERVER_INFO]: serverInfo };
	return { ...response, result: { ...result, _meta: replaced } };
}
