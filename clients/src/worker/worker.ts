import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { SessionObject, createSessionRouter } from '@tmcp-sessions/session-object';
import type { SessionServer, SessionSettings } from '@tmcp-sessions/session-object';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { DurableObject, env } from 'cloudflare:workers';
import { createMatrixServer } from './server.ts';

export { SessionShard } from '@tmcp-sessions/info-durable-object';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

declare global {
	// oxlint-disable-next-line typescript/no-namespace -- Workers types declare bindings in this namespace
	namespace Cloudflare {
		interface Env {
			readonly NOTES: DurableObjectNamespace<Notes>;
			readonly TMCP_SESSION_KEYS: string;
		}
	}
}

/** Stores the texts that calls have written under one name. */
export class Notes extends DurableObject {
	add(text: string): void {
		this.ctx.storage.kv.put('texts', [...this.read(), text]);
	}

	read(): string[] {
		return this.ctx.storage.kv.get('texts') ?? [];
	}
}

const createServer = (): ReturnType<typeof createMatrixServer> =>
	createMatrixServer((name, text) => env.NOTES.getByName(name).add(text));

/** A short interval: a server notices the disconnect of a stateless client when it next writes. */
const keepAliveSeconds = 1;

/** Runs the server in the object of a session, or of an identity. */
export class MatrixSession extends SessionObject {
	override readonly settings: SessionSettings = { keepAliveSeconds };

	createServer(): SessionServer {
		return createServer();
	}
}

const inObjects = (): Pick<McpHandlerOptions, 'streams' | 'subscriptions'> => ({
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
});

/** The handlers by the name of their pair of managers. */
const pairs: Readonly<Record<string, (path: string) => McpHandler>> = {
	memory: (path) =>
		createMcpHandler(createServer(), {
			path,
			keepAliveSeconds,
			streams: new InMemoryStreamSessionManager(),
			subscriptions: new InMemorySubscriptionManager(),
			info: new StoredInfoSessionManager(new InMemorySessionStore()),
		}),
	kv: (path) =>
		createMcpHandler(createServer(), {
			path,
			keepAliveSeconds,
			...inObjects(),
			info: new KVInfoSessionManager(),
		}),
	'durable-object': (path) =>
		createMcpHandler(createServer(), {
			path,
			keepAliveSeconds,
			...inObjects(),
			info: new DurableObjectInfoSessionManager(),
		}),
	sealed: (path) =>
		createMcpHandler(createServer(), {
			path,
			keepAliveSeconds,
			...inObjects(),
			info: new SealedInfoSessionManager({
				keys: [env.TMCP_SESSION_KEYS],
				rest: new DurableObjectInfoSessionManager(),
				recheckSeconds: 0,
			}),
		}),
	'session-object': (path) =>
		createSessionRouter({
			path,
			keepAliveSeconds,
			object: 'MATRIX_SESSIONS',
			stateless: createMcpHandler(createServer(), { path, keepAliveSeconds, ...inObjects() }),
		}),
	'identity-object': (path) =>
		createSessionRouter({
			path,
			keepAliveSeconds,
			object: 'MATRIX_SESSIONS',
			identify: () => ({ workspaceId: 'matrix', clientId: 'clients' }),
		}),
};

const handlers = new Map<string, McpHandler>();

/** Returns the handler of the path `/<pair>`, created by its first request. */
function handlerOf(path: string): McpHandler | undefined {
	const name = path.slice(1);
	const created = handlers.get(name) ?? pairs[name]?.(path);
	if (created) handlers.set(name, created);
	return created;
}

export default {
	async fetch(request, environment, context) {
		const { pathname, searchParams } = new URL(request.url);
		if (pathname === '/notes') {
			return Response.json(await env.NOTES.getByName(searchParams.get('name') ?? '').read());
		}
		const handler = handlerOf(pathname);
		return handler?.fetch(request, environment, context) ?? new Response(null, { status: 404 });
	},
} satisfies ExportedHandler;
