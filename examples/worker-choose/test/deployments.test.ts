import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const entry = here('../src/index.ts');
const DOOR = 'door://front';

/** The parts of wrangler's configuration that the test reads; wrangler types them loosely. */
interface Bindings {
	readonly vars: Readonly<Record<string, unknown>>;
	readonly kv_namespaces: readonly { readonly binding: string }[];
	readonly durable_objects: {
		readonly bindings: readonly { readonly name: string; readonly class_name: string }[];
	};
}

interface Session {
	readonly client: Client;
	/** A client of the same session on the other isolate. */
	readonly otherClient: Client;
	readonly updates: string[];
}

async function connect(workers: Workers<'a' | 'b'>): Promise<Session> {
	const client = new Client({ name: 'visitor', version: '1.0.0' });
	const updates: string[] = [];
	client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
		updates.push(params.uri);
	});
	const transport = new StreamableHTTPClientTransport(new URL('/mcp', workers.url('a')));
	await client.connect(transport);
	const otherClient = new Client({ name: 'visitor', version: '1.0.0' });
	const { sessionId } = transport;
	await otherClient.connect(
		new StreamableHTTPClientTransport(new URL('/mcp', workers.url('b')), {
			...(sessionId !== undefined && { sessionId }),
		}),
	);
	return { client, otherClient, updates };
}

async function call(client: Client, name: string): Promise<string> {
	return JSON.stringify((await client.callTool({ name })).content);
}

describe.each(['kv', 'durable-object', 'mixed', 'sealed'])('the deployment %s', (name) => {
	let workers: Workers<'a' | 'b'>;
	let session: Session;

	beforeAll(async () => {
		// Resolves wrangler.jsonc for this environment as wrangler does.
		const config = readConfig({ config: here('../wrangler.jsonc'), env: name });
		const { vars, kv_namespaces: namespaces, durable_objects: objects }: Bindings = config;
		workers = await startWorkers({
			entry,
			workers: ['a', 'b'],
			vars: { MCP_SESSIONS: String(vars['MCP_SESSIONS']) },
			kvNamespaces: namespaces.map(({ binding }) => binding),
			durableObjects: Object.fromEntries(
				objects.bindings.map((binding) => [binding.name, binding.class_name]),
			),
		});
		session = await connect(workers);
	});
	afterAll(async () => {
		await session.client.close();
		await session.otherClient.close();
		await workers.stop();
	});

	it('knows the client of a session that was opened on the other isolate', async () => {
		expect(await call(session.otherClient, 'who')).toContain('visitor, log level none');
	});

	it('lists everything to the official clients and the Inspector', async () => {
		const offered = { tools: ['who', 'ring'], resources: [DOOR], templates: [] };
		// The Inspector starts a process for each list: one deployment represents all.
		const listings = await listWithOfficialClients(new URL('/mcp', workers.url('a')), offered, {
			inspector: name === 'kv',
		});
		for (const [client, listing] of Object.entries(listings)) {
			expect(listing, client).toEqual(offered);
		}
	}, 60_000);

	it('stores a log level', async () => {
		// Opens a new session: the other isolate may have cached for the first one that no level is set.
		const { client, otherClient } = await connect(workers);
		await client.setLoggingLevel('warning');
		expect(await call(otherClient, 'who')).toContain('visitor, log level warning');
		await client.close();
		await otherClient.close();
	});

	it('notifies a subscriber of a change on the other isolate', async () => {
		await session.client.subscribeResource({ uri: DOOR });
		await call(session.otherClient, 'ring');
		await expect.poll(() => session.updates).toEqual([DOOR]);
	});
});

describe('a deployment that selects an unknown manager', () => {
	it('fails at startup and lists the known ones', async () => {
		const lines: string[] = [];
		const starting = startWorkers({
			entry,
			workers: ['a'],
			vars: { MCP_SESSIONS: 'info=redis' },
			durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', TMCP_SESSION_SHARD: 'SessionShard' },
			onLog: (line) => void lines.push(line),
		});
		await expect(starting).rejects.toThrow('The Workers runtime failed to start');
		expect(lines.join('\n')).toContain(
			'the setting of chooseSessions must be "streams=durable-object subscriptions=durable-object ' +
				'info=kv|durable-object|mixed|sealed"; got info=redis. Fix it in the vars of this deployment.',
		);
	});
});
