import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import { checkOptionNames, composeHandler, unknownSession } from '@tmcp-sessions/http/internal';
import type {
	Answer,
	HandlerComposition,
	LegacySse,
	Route,
	RoutedRequest,
} from '@tmcp-sessions/http/internal';
import { McpServer } from 'tmcp';
import type { AuthInfo } from 'tmcp';

import { PACKAGE } from '../package-name.ts';
import { createAddressedSessionIds } from './addressed-session-ids.ts';
import { forwardToHandler, forwardToObject } from './forward-request.ts';
import { checkIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { IdentityLocator, SessionLocator } from './object-locator.ts';
import { ObjectNamespace } from './object-namespace.ts';
import type { Placement, SessionObjectBinding, SessionObjectStub } from './object-namespace.ts';
import { RoutedInfo } from './routed-info.ts';
import { RoutedStreams } from './routed-streams.ts';
import { RoutedSubscriptions } from './routed-subscriptions.ts';
import { SubscriptionServer } from './subscription-server.ts';
import { withLegacySse } from './with-legacy-sse.ts';

type HandlerOptions = Pick<
	McpHandlerOptions,
	| 'allowedHosts'
	| 'clientOf'
	| 'cors'
	| 'eras'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'oauth'
	| 'onError'
	| 'path'
	| 'principal'
	| 'recheckSeconds'
	| 'sessionKeys'
	| 'tasks'
>;

/** Configures the router. Options that are not described here are those of `createMcpHandler`. */
export interface SessionRouterOptions extends HandlerOptions, Placement {
	/** The namespace of a class that extends `SessionObject`, or the name of its binding. */
	readonly object: SessionObjectBinding;
	/**
	 * Identifies the client, so that all of its sessions share one object that outlives each of them.
	 * Called after `oauth` has verified the token. Default: each session has its own object.
	 */
	readonly identify?: Identify | undefined;
	/**
	 * Answers stateless requests: a handler of `createMcpHandler` without `info`, on the same path.
	 * Default: with `identify` the identity's object answers, otherwise the request is rejected.
	 */
	readonly stateless?: Pick<McpHandler, 'fetch'> | undefined;
	/**
	 * Serves clients of the legacy SSE transport, at `/sse` and `/messages`: `createLegacySse()` of
	 * `@tmcp-sessions/http/legacy-sse`. Give it to `settings` of the class too.
	 */
	readonly sse?: LegacySse | undefined;
}

/** Returns the identity that a request belongs to, or null to respond 404. */
export type Identify = (
	request: Request,
	auth: AuthInfo | null,
) => Identity | null | Promise<Identity | null>;

const OPTIONS: OptionNames<SessionRouterOptions> = {
	object: 1,
	identify: 1,
	stateless: 1,
	sse: 1,
	locationHint: 1,
	jurisdiction: 1,
	allowedHosts: 1,
	clientOf: 1,
	cors: 1,
	eras: 1,
	keepAliveSeconds: 1,
	maxBodyBytes: 1,
	oauth: 1,
	onError: 1,
	path: 1,
	principal: 1,
	recheckSeconds: 1,
	sessionKeys: 1,
	tasks: 1,
};

/** What is called otherwise in the handlers of tmcp, `agents` and the official SDK. */
const ELSEWHERE = { binding: 'object', endpoint: 'path', route: 'path' };

/**
 * Creates the Worker's handler in front of session objects. It validates what does not require session
 * state, and forwards each request to the object of its session. Forged and foreign session ids are
 * rejected without reaching an object.
 *
 * @throws {TmcpSessionsError} `configuration`, as `createMcpHandler` does.
 */
export function createSessionRouter(options: SessionRouterOptions): McpHandler {
	checkNames(options);
	const { object, identify, locationHint, jurisdiction, stateless, sse, tasks, ...handler } =
		options;
	const namespace = new ObjectNamespace(object, { locationHint, jurisdiction });
	const locator = identify ? new IdentityLocator(namespace) : new SessionLocator(namespace);
	const { objectPer } = locator;
	const forward = async (routed: RoutedRequest, transport?: 'sse'): Promise<Answer> => {
		const stub = await locator.locate(routed.sessionId, routed.principal);
		return forwardToObject(routed, stub, { objectPer, transport, namespace });
	};
	const stubFor: StubFor = (id, scope = currentScope()) => locator.locate(id, scope?.principal);
	let environment: unknown;
	const subscriptionServer = new SubscriptionServer(createPlaceholderServer());
	const route: Route = {
		takesStateless: identify !== undefined || stateless !== undefined,
		...(identify && { honoredSubset: honoredSubset(stubFor, subscriptionServer) }),
		send: async (routed) =>
			routed.kind === 'stateless' && stateless
				? forwardToHandler(routed, stateless, environment)
				: forward(routed),
	};
	const sessionIds: HandlerComposition['sessionIds'] = identify
		? undefined
		: (ids) => createAddressedSessionIds(ids, () => namespace.newId());
	const { server } = subscriptionServer;
	const shared = {
		...handler,
		info: new RoutedInfo(namespace, stubFor),
		streams: new RoutedStreams(namespace, stubFor, handler.onError),
		...(identify && { principal: principalFrom(identify, handler.oauth !== undefined) }),
	};
	const subscriptions = new RoutedSubscriptions((scope) => stubFor('', scope), handler.onError);
	const composing = { ...shared, subscriptions, tasks };
	const composed = composeHandler(server, composing, { route, sessionIds });
	const streamableHttp = withEnvironment(composed, (env) => (environment = env));
	if (!sse) return streamableHttp;
	const { path, ...sseOptions } = shared;
	const send: Route['send'] = (routed) => forward(routed, 'sse');
	const legacySse = sse.composeHandler(server, sseOptions, { sessionIds, route: { send } });
	return withLegacySse(streamableHttp, path, sse, legacySse);
}

type StubFor = (id: string, scope?: Pick<RequestScope, 'principal'>) => Promise<SessionObjectStub>;

/** Asks the object of an identity which notifications its server honors. */
function honoredSubset(
	stubFor: StubFor,
	subscriptionServer: SubscriptionServer,
): NonNullable<Route['honoredSubset']> {
	return async ({ auth, principal }, requested) => {
		const stub = await stubFor('', { principal });
		const honored = await stub.honoredSubset(requested, { auth, principal });
		subscriptionServer.setServerInfo(honored.serverInfo);
		return { ...honored.notifications };
	};
}

function checkNames(options: SessionRouterOptions): void {
	checkOptionNames(options);
	rejectUnknownOptions(options, OPTIONS, PACKAGE, 'createSessionRouter', ELSEWHERE);
}

/** Passes on the environment of each request, which a routed request does not have. */
function withEnvironment(handler: McpHandler, onEnvironment: (env: unknown) => void): McpHandler {
	return {
		fetch(request, env, context) {
			onEnvironment(env);
			return handler.fetch(request, env, context);
		},
	};
}

/** Creates the server with which the Worker holds streams. The session's own server handles requests. */
function createPlaceholderServer(): McpServer {
	const server = new McpServer(
		{ name: PACKAGE, version: '1' },
		{ adapter: undefined, capabilities: SUBSCRIBABLE },
	);
	server.template({ name: 'any', description: 'Every resource', uri: '{+uri}' }, () => ({
		contents: [],
	}));
	return server;
}

/** Everything that a client can subscribe to. The session's own server restricts it for each request. */
const SUBSCRIBABLE = {
	tools: { listChanged: true },
	prompts: { listChanged: true },
	resources: { listChanged: true, subscribe: true },
};

function principalFrom(
	identify: Identify,
	hasOAuth: boolean,
): NonNullable<McpHandlerOptions['principal']> {
	return async (request, auth) => {
		if (hasOAuth && !auth) return null;
		const identity = await identify(request, auth);
		if (!identity) throw unknownSession();
		checkIdentity(identity);
		return { subject: identity.workspaceId, client: identity.clientId };
	};
}
