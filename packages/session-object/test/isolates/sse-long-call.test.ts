import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { describe, it } from 'vitest';

/** An object without anything at work leaves memory some ten seconds after its last event. */
const LONGER_THAN_IDLE_MS = 14_000;

describe.concurrent.each(workerdVersions)(
	'a call of a client of the old SSE transport on workerd %s',
	(version) => {
		it(
			'goes on in its object after its message was accepted, however long nothing else comes',
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
					const args = { ms: LONGER_THAN_IDLE_MS };
					const { content } = await client.callTool({ name: 'work', arguments: args });
					// And not `resumed`, which another instance would say.
					expect(content).toEqual([{ type: 'text', text: 'finished' }]);
					await client.close();
				} finally {
					await workers.stop();
				}
			},
		);
	},
);
