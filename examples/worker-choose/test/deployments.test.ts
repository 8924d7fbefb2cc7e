import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const entry = here('../src/index.ts');
const DOOR = 'door://front';

/** The part of wrangler's configuration that the test reads, whose own types are loose. */
interface Bindings {
	readonly vars: Readonly<Record<string, unknown>>;
	readonly kv_namespaces: readonly { readonly binding: string }[];
	readonly durable_objects: {
		readonly bindings: readonly { readonly name: string; readonly class_name: string }[];
	};
}

interface Session {
	readonly client: Client;
	/** The same session, whose requests go to the other isolate. */
	readonly elsewhere: Client;
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
	const elsewhere = new Client({ name: 'visitor', version: '1.0.0' });
	const { sessionId } = transport;
	await elsewhere.connect(
		new StreamableHTTPClientTransport(new URL('/mcp', workers.url('b')), {
			...(sessionId !== undefined && { sessionId }),
		}),
	);
	return { client, elsewhere, updates };
}

async function call(client: Client, name: string): Promise<string> {
	return JSON.stringify((await client.callTool({ name })).content);
}

describe.each(['kv', 'durable-object', 'mixed', 'sealed'])('the deployment %s', (name) => {
	let workers: Workers<'a' | 'b'>;
	let session: Session;

	beforeAll(async () => {
		// What wrangler itself makes of wrangler.jsonc for this environment.
		const config = readConfig({ config: here('../wrangler.jsonc'), env: name });
		const { vars, kv_namespaces: namespaces, durable_objects: objects }: Bindings = config;
		workers = await startWorkers({
			entry,
			workers: ['a', 'b'],
			vars: { MCP_SESSIONS: String(vars['MCP_SESSIONS']) },
			kvNamespaces: namespaces.map(({ binding }) => binding),
			durableObjects: Object.fromEntries(
				objects.bindings.map((each) => [each.name, each.class_name]),
			),
		});
		session = await connect(workers);
	});
	afterAll(async () => {
		await session.client.close();
		await session.elsewhere.close();
		await workers.stop();
	});

	it('knows in one isolate who opened a session in the other', async () => {
		expect(await call(session.elsewhere, 'who')).toContain('visitor, log level none');
	});

	it('keeps a log level', async () => {
		// A session of its own: the other isolate may take for true for a while that there is none.
		const { client, elsewhere } = await connect(workers);
		await client.setLoggingLevel('warning');
		expect(await call(elsewhere, 'who')).toContain('visitor, log level warning');
		await client.close();
		await elsewhere.close();
	});

	it('tells a subscriber of a change made in the other isolate', async () => {
		await session.client.subscribeResource({ uri: DOOR });
		await call(session.elsewhere, 'ring');
		await expect.poll(() => session.updates, { timeout: 5_000 }).toEqual([DOOR]);
	});
});

describe('a deployment that names what is not on offer', () => {
	it('fails at the start, with the names that are', async () => {
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
			'the choice of sessions should be "streams=durable-object subscriptions=durable-object ' +
				'info=kv|durable-object|mixed|sealed"; found info=redis. Set it in the vars of this deployment.',
		);
	});
});
