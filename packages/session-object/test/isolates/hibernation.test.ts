import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { describe, it } from 'vitest';

import { WorkingClient } from './working-client.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
/** Longer than an object stays in memory after its last event: about ten seconds. */
const IDLE_MS = 13_000;

describe.concurrent.each(workerdVersions)(
	'an idle session with an open stream on workerd %s',
	(version) => {
		it(
			'hibernates while its stream is open, and the stream continues',
			{ timeout: 60_000 },
			async ({ expect }) => {
				const workers = await startWorkers({
					entry: join(import.meta.dirname, '../fixture/isolate.ts'),
					workers: ['a', 'b'],
					version,
					kvNamespaces: [],
					durableObjects: { WORKING: 'WorkingSession' },
				});
				try {
					const instances = async (): Promise<number> =>
						Number(await (await fetch(new URL('/instances', workers.url('a')))).text());
					const client = new WorkingClient(() => workers.url('a'));
					await client.open();
					// The other isolate holds the stream.
					const stream = await openStream(workers.url('b'), client.session);
					const before = await instances();
					await client.announce();
					await stream.until(TOOLS_CHANGED, 1);
					expect(await instances()).toBe(before);

					await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
					expect(stream.hasEnded()).toBe(false);
					await client.announce();
					await stream.until(TOOLS_CHANGED, 2);
					expect(await instances()).toBe(before + 1);
					stream.disconnect();
				} finally {
					await workers.stop();
				}
			},
		);
	},
);

interface OpenStream {
	hasEnded(): boolean;
	until(part: string, times: number): Promise<void>;
	disconnect(): void;
}

async function openStream(url: URL, session: string): Promise<OpenStream> {
	const leaving = new AbortController();
	const response = await fetch(new URL('/mcp', url), {
		signal: leaving.signal,
		headers: { accept: 'text/event-stream', 'mcp-session-id': session },
	});
	const read = { text: '', hasEnded: false };
	const reading = (async () => {
		const decoder = new TextDecoder();
		for await (const chunk of response.body ?? []) {
			read.text += decoder.decode(chunk, { stream: true });
		}
	})();
	reading.then(
		() => (read.hasEnded = true),
		() => (read.hasEnded = true),
	);
	return {
		hasEnded: () => read.hasEnded,
		async until(part, times) {
			const deadline = AbortSignal.timeout(5_000);
			while (read.text.split(part).length - 1 !== times) {
				if (deadline.aborted) throw new Error(`expected ${times} × ${part}; found ${read.text}`);
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
		},
		disconnect: () => leaving.abort(),
	};
}
