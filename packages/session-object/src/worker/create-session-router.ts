import { StreamError } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { unknownSession } from '@tmcp-sessions/http/internal';
import type { HandlerSeams, Route, RoutedRequest } from '@tmcp-sessions/http/internal';
import { McpServer } from 'tmcp';
import type { AuthInfo } from 'tmcp';

import { ListeningServer } from './listening-server.ts';
import { checkIdentity, objectName } from './identity.ts';
import type { Identity } from './identity.ts';
import { objectAddresses, objectOf } from './object-address.ts';
import { Objects } from './session-objects.ts';
import type { Placement, SessionObjectBinding, SessionObjectStub } from './session-objects.ts';
import { PACKAGE } from '../package-name.ts';
import { RemoteInfo } from './remote-info.ts';
import { packed, unpacked } from '../object/session-call.ts';
import type { PlainAnswer } from '../object/session-call.ts';
import { RoutedStreams } from './routed-streams.ts';
import { RoutedSubscriptions } from './routed-subscriptions.ts';
import { besidesSse } from './sse-serving.ts';
import type { ServeSse } from './sse-serving.ts';

type HandlerOptions = Pick<
	McpHandlerOptions,
	| 'allowedHosts'
	| 'allowedOrigins'
	| 'cors'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'oauth'
	| 'onError'
	| 'path'
	| 'principal'
	| 'sessionKeys'
>;

/** Where sessions live, and who may open them. What is not said here is as for `createMcpHandler`. */
export interface SessionRouterOptions extends HandlerOptions, Placement {
	/** The namespace of a class that extends `SessionObject`, or the name of its binding. */
	readonly object: SessionObjectBinding;
	/**
	 * Whose object a request is for: all sessions of an identity share one, which outlives each of them.
	 * `null` is a 404. Asked after `oauth`, which answers for tokens. Default: an object for each session.
	 */
	readonly identify?: Identify | undefined;
	/**
	 * Answers requests of the stateless era, which have no session: one of `createMcpHandler` without
	 * `info`, on the same path. Default: with `identify` the identity's object, otherwise they are told
	 * to open a session.
	 */
	readonly stateless?: Pick<McpHandler, 'fetch'> | undefined;
	/**
	 * Serves clients of the transport before Streamable HTTP, at `/sse` and `/messages`:
	 * `createSseHandler` of `@tmcp-sessions/http/legacy-sse`, which `settings` of the class gets too.
	 */
	readonly sse?: ServeSse | undefined;
}

/** Says whose object a request is for; null where nobody's. */
export type Identify = (
	request: Request,
	auth: AuthInfo | null,
) => Identity | null | Promise<Identity | null>;

/**
 * The Worker in front of session objects: it checks what can be checked without one, and sends what
 * is left to the object of its session. Forged, foreign and unknown ids are refused here.
 *
 * @throws {TmcpSessionsError} `configuration`, as `createMcpHandler` does.
 */
export function createSessionRouter(options: SessionRouterOptions): McpHandler {
	const { object, identify, locationHint, jurisdiction, stateless, sse, ...handler } = options;
	const objects = new Objects(object, { locationHint, jurisdiction });
	const places = identify ? new IdentityPlaces(objects) : new SessionPlaces(objects);
	const toObject = async (routed: RoutedRequest, transport?: 'sse'): Promise<Response> => {
		const stub = await places.stubsOf(routed.sessionId, routed.principal);
		return sent(routed, stub(), places.keptBy, transport);
	};
	const route: Route = {
		takesStateless: identify !== undefined || stateless !== undefined,
		...(identify && {
			agreed: async ({ principal }, notifications) => {
				const stub = (await places.stubsOf('', principal))();
				const { changes, serverInfo } = await stub.agreed(notifications);
				listening.name(serverInfo);
				return { ...changes };
			},
		}),
		async send(routed) {
			if (routed.kind === 'stateless' && stateless) {
				return stateless.fetch(again(routed), undefined, routed.context);
			}
			return toObject(routed);
		},
	};
	const stubsOf = (id: string): Promise<() => SessionObjectStub> =>
		places.stubsOf(id, currentScope()?.principal);
	const listening = new ListeningServer(serverOfRouter());
	const info = new RemoteInfo(async (id) => (await stubsOf(id))().isLive(id));
	const streams = new RoutedStreams(stubsOf, handler.onError);
	const subscriptions = new RoutedSubscriptions(() => stubsOf(''), handler.onError);
	const shared = {
		...{ ...handler, info, streams },
		...(identify && { principal: principalOf(identify, handler.oauth !== undefined) }),
	};
	const names: HandlerSeams['names'] = identify
		? undefined
		: (ids) => objectAddresses(ids, () => objects.newId());
	const mcp = createMcpHandler(listening.server, { ...shared, subscriptions }, { route, names });
	if (!sse) return mcp;
	const { path, ...forSse } = shared;
	const send: Route['send'] = (routed) => toObject(routed, 'sse');
	return besidesSse(mcp, path, sse(listening.server, forSse, { names, route: { send } }));
}

/** It answers nothing itself: the session's own server does. */
function serverOfRouter(): McpServer {
	const server = new McpServer(
		{ name: PACKAGE, version: '1' },
		{ adapter: undefined, capabilities: CHANGES },
	);
	server.template({ name: 'any', description: 'Every resource', uri: '{+uri}' }, () => ({
		contents: [],
	}));
	return server;
}

/** All that a client can listen to: what of it the session's own server tells is asked before. */
const CHANGES = {
	tools: { listChanged: true },
	prompts: { listChanged: true },
	resources: { listChanged: true, subscribe: true },
};

/** How many sessions and identities an isolate remembers the places of: some 600 KB. */
const MAX_PLACES = 2_000;

interface Places {
	readonly keptBy: 'identity' | 'session';
	/** Makes stubs of the session's object. */
	stubsOf(sessionId: string, principal: string | undefined): Promise<() => SessionObjectStub>;
}

/** Each session has an object, whose id is in the session's. */
class SessionPlaces implements Places {
	readonly keptBy = 'session';
	readonly #objects: Objects;
	/** By session: its id is read once, which would be felt by every call. */
	readonly #ids = new Map<string, DurableObjectId>();

	constructor(objects: Objects) {
		this.#objects = objects;
	}

	async stubsOf(sessionId: string): Promise<() => SessionObjectStub> {
		const id = this.#ids.get(sessionId) ?? this.#read(sessionId);
		return () => this.#objects.byId(id);
	}

	#read(sessionId: string): DurableObjectId {
		const object = objectOf(sessionId);
		if (object === undefined) throw unknownSession();
		const id = this.#objects.idOf(object);
		remember(this.#ids, sessionId, id);
		return id;
	}
}

/** All sessions of an identity have one object, whose name is a hash of it. */
class IdentityPlaces implements Places {
	readonly keptBy = 'identity';
	readonly #objects: Objects;
	/** By principal: a client sends the same one with all that it sends. */
	readonly #names = new Map<string, string>();

	constructor(objects: Objects) {
		this.#objects = objects;
	}

	async stubsOf(_sessionId: string, principal = ''): Promise<() => SessionObjectStub> {
		const known = this.#names.get(principal);
		if (known !== undefined) return () => this.#objects.byName(known);

		// Sound: it is made of an identity by `principalOf`, as http spells it.
		const [workspaceId, clientId] = JSON.parse(principal) as [string, string];
		const name = await objectName({ clientId, workspaceId });
		remember(this.#names, principal, name);
		return () => this.#objects.byName(name);
	}
}

function remember<Place>(known: Map<string, Place>, key: string, place: Place): void {
	if (known.size >= MAX_PLACES) known.clear();
	known.set(key, place);
}

function principalOf(
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

/** What an object looks at of a request of a session: each is a look that every call feels. */
const HEADERS = ['accept', 'content-type', 'mcp-protocol-version', 'mcp-session-id'] as const;

function headersOf({ request, kind, headers }: RoutedRequest): Record<string, string> {
	// The stateless era has headers for what a message says.
	if (kind === 'stateless') return Object.fromEntries(request.headers);
	const found: Record<string, string> = {};
	for (const name of HEADERS) {
		const value = headers.get(name);
		if (value !== null) found[name] = value;
	}
	return found;
}

async function sent(
	routed: RoutedRequest,
	stub: SessionObjectStub,
	keptBy: 'identity' | 'session',
	transport?: 'sse',
): Promise<Response> {
	const { request, sessionId: session, principal, auth, body = '' } = routed;
	const headers = headersOf(routed);
	const { method } = request;
	try {
		const call = { method, headers, body, session, principal, auth, keptBy, transport };
		const answer = await stub.answer(packed(call));
		if (typeof answer !== 'string') return answer;
		const { body: text, ...init } = unpacked<PlainAnswer>(answer);
		return new Response(text, init);
	} catch (cause) {
		throw new StreamError(PACKAGE, 'reaching the object of a session', cause);
	}
}

/** The request for another handler, which reads it for itself. */
function again({ request, body }: RoutedRequest): Request {
	const { method, headers, signal, url } = request;
	return new Request(url, { method, headers, signal, ...(body !== undefined && { body }) });
}
