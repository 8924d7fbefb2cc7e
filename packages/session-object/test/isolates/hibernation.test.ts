import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { describe, it } from 'vitest';

import { WorkingClient } from './working-client.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
/** An object leaves memory some ten seconds after its last event. */
const IDLE_MS = 13_000;

describe.concurrent.each(workerdVersions)(
	'an idle session with an open stream on workerd %s',
	(version) => {
		it(
			'is out of memory while its stream is open, and its stream goes on',
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
					// Held by the other isolate.
					const stream = await openStream(workers.url('b'), client.session);
					const before = await instances();
					await client.announce();
					await stream.until(TOOLS_CHANGED, 1);
					expect(await instances()).toBe(before);

					await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
					expect(stream.isOver()).toBe(false);
					await client.announce();
					await stream.until(TOOLS_CHANGED, 2);
					expect(await instances()).toBe(before + 1);
					stream.leave();
				} finally {
					await workers.stop();
				}
			},
		);
	},
);

interface OpenStream {
	isOver(): boolean;
	until(part: string, times: number): Promise<void>;
	leave(): void;
}

async function openStream(url: URL, session: string): Promise<OpenStream> {
	const leaving = new AbortController();
	const response = await fetch(new URL('/mcp', url), {
		signal: leaving.signal,
		headers: { accept: 'text/event-stream', 'mcp-session-id': session },
	});
	const read = { text: '', isOver: false };
	const reading = (async () => {
		const decoder = new TextDecoder();
		for await (const chunk of response.body ?? []) {
			read.text += decoder.decode(chunk, { stream: true });
		}
	})();
	reading.then(
		() => (read.isOver = true),
		() => (read.isOver = true),
	);
	return {
		isOver: () => read.isOver,
		async until(part, times) {
			const deadline = AbortSignal.timeout(5_000);
			while (read.text.split(part).length - 1 !== times) {
				if (deadline.aborted) throw new Error(`expected ${times} × ${part}; found ${read.text}`);
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
		},
		leave: () => leaving.abort(),
	};
}
