import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { SessionStore } from '@tmcp-sessions/core/backend';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { ManualClock } from '@tmcp-sessions/testkit';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';

import { SealedInfoSessionManager } from '../src/index.ts';
import type { SealedInfoOptions } from '../src/index.ts';

/** The uri of a resource that supports subscriptions. */
export const DOOR = 'door://front';

/** The client info of every client. */
export const CLIENT = { name: 'visitor', version: '1.0.0' };

/** Returns the principal of a user in the format of the handler. */
export function principalOf(user: string): string {
	return JSON.stringify([user, null]);
}

/** Creates a secret like `openssl rand -base64 32`. */
export function newKey(): string {
	return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}

/** Wraps a store to record the names of its operations. */
function withRecordedOperations(store: SessionStore, operations: string[]): SessionStore {
	return new Proxy(store, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			return (...args: unknown[]): unknown => {
				operations.push(String(key));
				return Reflect.apply(member, target, args) as unknown;
			};
		},
	});
}

/** The keys that sign the ids of stored sessions in every isolate. */
const SESSION_KEYS = [newKey()];

/** Creates a handler that takes the principal from a header. */
export function serve(
	info: StoredInfoSessionManager,
	options: Pick<McpHandlerOptions, 'onError' | 'sessionKeys'> = {},
): McpHandler {
	return createMcpHandler(createServer(), {
		info,
		sessionKeys: SESSION_KEYS,
		principal: ({ headers }) => headers.get('x-user'),
		...options,
	});
}

/** A response with its whole body. */
export interface Reply {
	readonly status: number;
	/** The session id of the response, empty if it has none. */
	readonly session: string;
	readonly text: string;
}

/** Sends a request of a user. */
export async function send(
	mcp: McpHandler,
	init: RequestInit,
	session: string | undefined,
	user: string,
): Promise<Reply> {
	const response = await mcp.fetch(
		new Request('https://example.com/mcp', {
			...init,
			headers: {
				'content-type': 'application/json',
				'x-user': user,
				...(session !== undefined && { 'mcp-session-id': session }),
			},
		}),
	);
	const isStream = init.method === 'GET' && response.status === 200;
	if (isStream) await response.body?.cancel();
	return {
		status: response.status,
		session: response.headers.get('mcp-session-id') ?? '',
		text: isStream ? '' : await response.text(),
	};
}

/** Returns the message of `initialize`. */
export function initialize(capabilities: object = {}): object {
	const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: CLIENT };
	return { jsonrpc: '2.0', id: 1, method: 'initialize', params };
}

/** One isolate of a deployment that seals its sessions. */
export class Isolate {
	readonly info: SealedInfoSessionManager;
	readonly errors: Error[] = [];
	readonly #mcp: McpHandler;

	constructor(options: SealedInfoOptions) {
		const onError = (error: Error): void => void this.errors.push(error);
		this.info = new SealedInfoSessionManager({ onError, ...options });
		this.#mcp = serve(this.info, { onError });
	}

	/** Sends a request of a user. */
	send(init: RequestInit, session?: string, user = 'alice'): Promise<Reply> {
		return send(this.#mcp, init, session, user);
	}

	post(message: object, session?: string, user?: string): Promise<Reply> {
		const body = JSON.stringify({ jsonrpc: '2.0', ...message });
		return this.send({ method: 'POST', body }, session, user);
	}

	/** Requests a session. */
	initialize(capabilities?: object, user?: string): Promise<Reply> {
		return this.post(initialize(capabilities), undefined, user);
	}

	/** Opens a session and returns its id. */
	async open(capabilities?: object, user?: string): Promise<string> {
		const reply = await this.initialize(capabilities, user);
		if (reply.session === '') throw new Error(`expected a session; got ${reply.text}`);
		return reply.session;
	}

	/** Calls the tool `who`. */
	call(session: string, user?: string): Promise<Reply> {
		return this.post({ id: 2, method: 'tools/call', params: { name: 'who' } }, session, user);
	}

	setLogLevel(level: string, session: string): Promise<Reply> {
		return this.post({ id: 3, method: 'logging/setLevel', params: { level } }, session);
	}

	subscribe(session: string): Promise<Reply> {
		return this.post({ id: 4, method: 'resources/subscribe', params: { uri: DOOR } }, session);
	}

	end(session: string): Promise<Reply> {
		return this.send({ method: 'DELETE' }, session);
	}
}

/** A deployment, whose isolates share a store and a manual clock. */
export interface Deployment {
	/** The recorded operations of the store. */
	readonly operations: string[];
	readonly clock: ManualClock;
	isolate(options?: Partial<SealedInfoOptions>): Isolate;
}

/**
 * Creates a deployment.
 *
 * @param store creates the store of `rest`. Default: no `rest`.
 */
export function deployment(store?: (clock: ManualClock) => SessionStore): Deployment {
	const clock = new ManualClock();
	const operations: string[] = [];
	const recorded = store && withRecordedOperations(store(clock), operations);
	const keys = [newKey()];
	return {
		operations,
		clock,
		isolate: (options) =>
			new Isolate({
				keys,
				now: clock.now,
				rest: recorded && new StoredInfoSessionManager(recorded, { now: clock.now }),
				...options,
			}),
	};
}

/** Creates a server whose tool returns the session metadata, and then modifies it. */
function createServer(): McpServer {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{
			adapter: undefined,
			capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
		},
	);
	server.tool({ name: 'who', description: 'Returns the client' }, () => {
		const { sessionInfo } = server.ctx;
		const { clientInfo, clientCapabilities, logLevel = 'none' } = sessionInfo ?? {};
		const text = `${clientInfo?.name}, ${JSON.stringify(clientCapabilities)}, ${logLevel}`;
		if (clientInfo) clientInfo.name = 'modified';
		return tool.text(text);
	});
	server.resource({ name: 'door', description: 'The door', uri: DOOR }, (uri) =>
		resource.text(uri, 'closed'),
	);
	return server;
}
