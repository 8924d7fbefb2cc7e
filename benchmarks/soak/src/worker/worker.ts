import { createMcpHandler } from '@tmcp-sessions/http';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
	SyncLayer as PublishedSyncLayer,
} from '@tmcp-sessions/streams-durable-object';
import { env } from 'cloudflare:workers';
import { McpServer } from 'tmcp';
import { resource } from 'tmcp/utils';

import { resourceUris } from './publication.ts';
import type { Publication } from './publication.ts';
import { createSoakHandler } from './soak-handler.ts';

declare global {
	// oxlint-disable-next-line typescript/no-namespace -- @cloudflare/workers-types reads bindings from it
	namespace Cloudflare {
		interface Env {
			TMCP_SESSION_INFO: KVNamespace;
			TMCP_DURABLE_OBJECT: DurableObjectNamespace<SyncLayer>;
			SHARDS: string;
		}
	}
}

/**
 * The published object with a method that aborts it as the platform does when it resets an object.
 * Its log is larger: disconnecting a stalled reader takes more than the default of 4 MiB.
 */
export class SyncLayer extends PublishedSyncLayer {
	static override readonly logBounds = {
		...PublishedSyncLayer.logBounds,
		bytes: 64 * 1024 * 1024,
	};

	abort(): void {
		this.ctx.abort('aborted by the soak');
	}

	/** Returns the sessions of the streams whose sockets others share. */
	leaders(): string[] {
		return this.ctx.getWebSockets('shared').flatMap((socket) => {
			if (socket.readyState !== WebSocket.OPEN) return [];
			const { holder, members } = socket.deserializeAttachment();
			const streams: [member: number, session: string][] = JSON.parse(members);
			const found = streams.find(([member]) => member === holder);
			return streams.length > 1 && found ? [found[1]] : [];
		});
	}
}

const server = new McpServer(
	{ name: 'soak', version: '1.0.0' },
	{
		adapter: undefined,
		capabilities: {
			resources: { subscribe: true, listChanged: true },
			tools: { listChanged: true },
		},
	},
);
for (const uri of resourceUris) {
	server.resource({ name: uri, description: 'Clients subscribe to it', uri }, () =>
		resource.text(uri, 'soaked'),
	);
}

// A deployment stores session metadata in objects, if they are bound: it takes Workers KV up to a minute to
// list a new subscription.
const info =
	'TMCP_SESSION_SHARD' in env ? new DurableObjectInfoSessionManager() : new KVInfoSessionManager();
const mcp = createMcpHandler(server, {
	path: '/mcp',
	info,
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	placement: { shards: Number(env.SHARDS) },
	// Short, so that a destroyed connection is noticed soon.
	keepAliveSeconds: 1,
});

/** Publishes as the transport does. Returns the reason of a failure, or null. */
async function publish({ frame, session, uri }: Publication): Promise<string | null> {
	let failure: string | null = null;
	// `send` never rejects, so each publication has its own manager that reports its failure.
	const streams = new DurableObjectStreamSessionManager(undefined, {
		onError: (error) => void (failure = error.message),
	});
	const subscribers = uri === undefined ? undefined : await info.getSubscriptions(uri);
	// Managers know a session by its id without the MAC.
	const internalId = session?.slice(0, session.lastIndexOf('.'));
	await streams.send(internalId === undefined ? subscribers : [internalId], frame);
	return failure;
}

/** Aborts every object. None of the RPCs gets a response. */
async function abort(ids: readonly string[]): Promise<void> {
	const namespace = env.TMCP_DURABLE_OBJECT;
	const aborted = ids.map((id) => namespace.get(namespace.idFromString(id)).abort());
	await Promise.allSettled(aborted);
}

/** Returns the sessions of the streams whose sockets others share. */
async function leaders(ids: readonly string[]): Promise<string[]> {
	const namespace = env.TMCP_DURABLE_OBJECT;
	const found = ids.map((id) => namespace.get(namespace.idFromString(id)).leaders());
	return (await Promise.all(found)).flat();
}

export default createSoakHandler(mcp, { publish, abort, leaders });
