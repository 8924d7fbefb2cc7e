import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { describe, it } from 'vitest';

/** Longer than an idle object stays in memory after its last event: about ten seconds. */
const CALL_MS = 14_000;

describe.concurrent.each(workerdVersions)(
	'a call over the legacy SSE transport on workerd %s',
	(version) => {
		it(
			'keeps its object in memory after its message was accepted, without other events',
			{ timeout: 60_000 },
			async ({ expect }) => {
				const workers = await startWorkers({
					entry: join(import.meta.dirname, '../fixture/sse-isolate.ts'),
					workers: ['a'],
					version,
					kvNamespaces: [],
					durableObjects: { OLD: 'OldSession' },
				});
				try {
					const client = new Client({ name: 'patient', version: '1.0.0' });
					await client.connect(new SSEClientTransport(new URL('/sse', workers.url('a'))));
					const args = { ms: CALL_MS };
					const { content } = await client.callTool({ name: 'work', arguments: args });
					// Another instance would respond with `resumed`.
					expect(content).toEqual([{ type: 'text', text: 'finished' }]);
					await client.close();
				} finally {
					await workers.stop();
				}
			},
		);
	},
);
