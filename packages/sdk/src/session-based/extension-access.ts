import {
	checkParameterHeaders,
	currentContext,
	readInfo,
	runInBackground,
} from '@tmcp-sessions/http/server';
import type {
	ClientMetadata,
	ExtensionAccess,
	ExtensionRequests,
	HandleMessage,
	InFlightCalls,
	RequestContext,
	ServerBackendDeps,
} from '@tmcp-sessions/http/server';
import { inputRequired, McpServer } from '@modelcontextprotocol/server';
import type { InfoSessionManager } from '@tmcp/session-manager';

import type { CreateServer } from '../server/create-server.ts';
import { protocolServer } from '../server/sdk-server.ts';
import type { MessageHandling } from './handle-message.ts';
import type { SdkExchange } from './sdk-exchange.ts';
import type { ServerRequests } from './server-requests.ts';

type ElicitParams = Parameters<ReturnType<typeof protocolServer>['elicitInput']>[0];

/** What the access of an extension depends on. */
export interface AccessDeps {
	readonly calls: InFlightCalls;
	readonly createServer: CreateServer;
	readonly extensionRequests: ExtensionRequests;
	readonly handle: HandleMessage;
	readonly handling: MessageHandling;
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly report: (error: unknown) => void;
	readonly secrets: ServerBackendDeps['secrets'];
	readonly serverRequests: ServerRequests;
}

/** Creates what an extension, such as tasks, may use of the servers. */
export function createAccess(deps: AccessDeps): ExtensionAccess {
	const { calls, createServer, extensionRequests, handle, handling, info, report, secrets } = deps;
	return {
		runInBackground: (call) => runInBackground(handle, calls, call, { report, secrets }),
		async clientMetadata({ sessionId }) {
			// Safe because validation has checked what the session declared.
			return (info && sessionId ? await readInfo(info, sessionId) : {}) as ClientMetadata;
		},
		sendRequest: (context, request, write) =>
			extensionRequests.send(calls, context, request, write),
		respond: async (response) => deps.serverRequests.receive(response),
		async hasTool(name, call) {
			const server = await createServer({ era: 'legacy' });
			const schema = server instanceof McpServer ? server.toolInputSchemaJson(name) : undefined;
			if (schema && call) checkParameterHeaders(call, schema);
			return schema !== undefined;
		},
		async elicit(message, schema) {
			const { exchange } = currentExchange(handling);
			// `elicitInput` of SDK 2.4 sends the schema of a library as it is. Safe because `elicit` rejects a
			// schema that elicitations do not allow.
			const { params } = inputRequired.elicit({ message, requestedSchema: schema as never });
			// Safe because these are the params of an elicitation.
			return protocolServer(exchange.server).elicitInput(params as ElicitParams);
		},
		progress(count, message) {
			const { context, exchange } = currentExchange(handling);
			const token = progressTokenOf(context);
			if (token === undefined) return;
			const params = { progressToken: token, progress: count, total: count + 1, message };
			protocolServer(exchange.server)
				.notification({ method: 'notifications/progress', params })
				.catch(report);
		},
	};
}

function currentExchange(handling: MessageHandling): {
	context: RequestContext;
	exchange: SdkExchange;
} {
	const context = currentContext();
	const exchange = context && handling.exchangeOf(context);
	if (!exchange) throw new Error('expected a call that runs; got none');
	return { context, exchange };
}

function progressTokenOf({ message }: RequestContext): string | number | undefined {
	const { params } = Object(message) as {
		params?: { _meta?: { progressToken?: string | number } };
	};
	return params?._meta?.progressToken;
}
