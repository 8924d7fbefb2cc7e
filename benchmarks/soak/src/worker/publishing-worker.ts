import { createSessionRouter, SessionObject } from '@tmcp-sessions/session-object';
import type { SessionServer } from '@tmcp-sessions/session-object';
import { SyncLayer as PublishedSyncLayer } from '@tmcp-sessions/streams-durable-object';
import { publishToReceivers } from '@tmcp-sessions/streams-durable-object/internal';
import { env } from 'cloudflare:workers';
import { McpServer } from 'tmcp';
import { resource } from 'tmcp/utils';

import { resourceUris } from './publication.ts';
import type { Publication } from './publication.ts';
import { createSoakHandler } from './soak-handler.ts';

/** The bindings of this Worker. */
interface Bindings {
	readonly TMCP_DURABLE_OBJECT: DurableObjectNamespace<SyncLayer>;
	readonly SESSIONS: DurableObjectNamespace<SoakedSession>;
}

// Safe because the soak binds them.
const bindings = env as unknown as Bindings;

/** The published object with a method that aborts it as the platform does when it resets an object. */
export class SyncLayer extends PublishedSyncLayer {
	abort(): void {
		this.ctx.abort('aborted by the soak');
	}
}

/** The object of a session, which receives published changes. */
export class SoakedSession extends SessionObject {
	override readonly settings = { syncLayer: 'TMCP_DURABLE_OBJECT' };

	createServer(): SessionServer {
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
		return server;
	}

	abort(): void {
		this.ctx.abort('aborted by the soak');
	}
}

const router = createSessionRouter({
	object: 'SESSIONS',
	// Short, so that a destroyed connection is noticed soon.
	keepAliveSeconds: 1,
});

/** Publishes as `publishChange` does, with the number of the message. Returns the reason of a failure, or null. */
async function publish({ frame, uri }: Publication): Promise<string | null> {
	// Safe because the soak sends a notification.
	const { params } = JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? '') as { params: object };
	const method =
		uri === undefined ? 'notifications/tools/list_changed' : 'notifications/resources/updated';
	const notification = { jsonrpc: '2.0' as const, method, params };
	try {
		await publishToReceivers({ binding: bindings.TMCP_DURABLE_OBJECT }, notification);
		return null;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}

/** Aborts objects of either class. None of the RPCs gets a response. */
async function abort(ids: readonly string[]): Promise<void> {
	const { SESSIONS, TMCP_DURABLE_OBJECT } = bindings;
	const aborted = ids.map((id) => {
		try {
			return TMCP_DURABLE_OBJECT.get(TMCP_DURABLE_OBJECT.idFromString(id)).abort();
		} catch {
			// The id belongs to the other class.
			return SESSIONS.get(SESSIONS.idFromString(id)).abort();
		}
	});
	await Promise.allSettled(aborted);
}

export default createSoakHandler(router, { publish, abort });
