import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { SessionStore } from '@tmcp-sessions/core/backend';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { ManualClock } from '@tmcp-sessions/testkit';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';

import { SealedInfoSessionManager } from '../src/index.ts';
import type { SealedInfoOptions } from '../src/index.ts';

/** Where a resource is that can be subscribed to. */
export const DOOR = 'door://front';

/** What a client says of itself. */
export const CLIENT = { name: 'visitor', version: '1.0.0' };

/** Whom a session of this user belongs to, as the handler says it. */
export function principalOf(user: string): string {
	return JSON.stringify([user, null]);
}

/** A secret, as `openssl rand -base64 32` makes one. */
export function newKey(): string {
	return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}

/** The same store; the names of the operations that it was asked for are noted. */
function counted(store: SessionStore, operations: string[]): SessionStore {
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

/** What stored sessions are signed with, in every isolate. */
const SESSION_KEYS = [newKey()];

/** A server over this manager, for users who say who they are. */
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

/** An answer, read to its end. */
export interface Answer {
	readonly status: number;
	/** The id that it names, empty where it names none. */
	readonly session: string;
	readonly text: string;
}

/** Sends a request of a user. */
export async function send(
	mcp: McpHandler,
	init: RequestInit,
	session: string | undefined,
	user: string,
): Promise<Answer> {
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

/** The body of `initialize`. */
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
	send(init: RequestInit, session?: string, user = 'alice'): Promise<Answer> {
		return send(this.#mcp, init, session, user);
	}

	post(message: object, session?: string, user?: string): Promise<Answer> {
		const body = JSON.stringify({ jsonrpc: '2.0', ...message });
		return this.send({ method: 'POST', body }, session, user);
	}

	/** Asks for a session. */
	initialize(capabilities?: object, user?: string): Promise<Answer> {
		return this.post(initialize(capabilities), undefined, user);
	}

	/** Opens a session and returns its id. */
	async open(capabilities?: object, user?: string): Promise<string> {
		const answer = await this.initialize(capabilities, user);
		if (answer.session === '') throw new Error(`expected a session; found ${answer.text}`);
		return answer.session;
	}

	/** What the tool `who` says. */
	call(session: string, user?: string): Promise<Answer> {
		return this.post({ id: 2, method: 'tools/call', params: { name: 'who' } }, session, user);
	}

	setLogLevel(level: string, session: string): Promise<Answer> {
		return this.post({ id: 3, method: 'logging/setLevel', params: { level } }, session);
	}

	subscribe(session: string): Promise<Answer> {
		return this.post({ id: 4, method: 'resources/subscribe', params: { uri: DOOR } }, session);
	}

	end(session: string): Promise<Answer> {
		return this.send({ method: 'DELETE' }, session);
	}
}

/** Some isolates over the same store, whose operations are counted; with a clock of their own. */
export interface Deployment {
	readonly operations: string[];
	readonly clock: ManualClock;
	isolate(options?: Partial<SealedInfoOptions>): Isolate;
}

/** @param store what `rest` is over; none where there is no `rest`. */
export function deployment(store?: (clock: ManualClock) => SessionStore): Deployment {
	const clock = new ManualClock();
	const operations: string[] = [];
	const kept = store && counted(store(clock), operations);
	const keys = [newKey()];
	return {
		operations,
		clock,
		isolate: (options) =>
			new Isolate({
				keys,
				now: clock.now,
				rest: kept && new StoredInfoSessionManager(kept, { now: clock.now }),
				...options,
			}),
	};
}

/** A server whose tool says who is calling, at which level, and then spoils what it was told. */
function createServer(): McpServer {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{
			adapter: undefined,
			capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
		},
	);
	server.tool({ name: 'who', description: 'Says who calls' }, () => {
		const { sessionInfo } = server.ctx;
		const { clientInfo, clientCapabilities, logLevel = 'none' } = sessionInfo ?? {};
		const said = `${clientInfo?.name}, ${JSON.stringify(clientCapabilities)}, ${logLevel}`;
		if (clientInfo) clientInfo.name = 'spoiled';
		return tool.text(said);
	});
	server.resource({ name: 'door', description: 'The door', uri: DOOR }, (uri) =>
		resource.text(uri, 'closed'),
	);
	return server;
}
