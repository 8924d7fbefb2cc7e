import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import type { Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const document = readFileSync(join(import.meta.dirname, '../../../../docs/tasks.md'), 'utf8');
const TOKEN = 'token-of-ada-0123456789';

/** Loads the snippet of the document. */
const snippets: Plugin = {
	name: 'snippets',
	setup(build) {
		build.onResolve({ filter: /^virtual:sealed-tokens$/ }, ({ path }) => ({
			path,
			namespace: 'docs',
		}));
		build.onLoad({ filter: /^/, namespace: 'docs' }, () => ({
			contents: /^```ts\n([^`]*createTokenSeal[^`]*)^```$/m.exec(document)?.[1] ?? '',
			loader: 'ts',
			resolveDir: join(import.meta.dirname, '../fixture'),
		}));
	},
};

describe('a token that a task seals as docs/tasks.md shows', () => {
	let workers: Workers<'a' | 'b'>;
	beforeAll(async () => {
		workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/token-worker.ts'),
			workers: ['a', 'b'],
			kvNamespaces: [],
			durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
			vars: { TASK_TOKEN_KEYS: `${crypto.randomUUID()}${crypto.randomUUID()}` },
			plugins: [snippets],
		});
	});
	afterAll(() => workers.stop());

	/** Runs a task whose object leaves memory while it asks, until this time. */
	const run = async (
		expiresAt: number,
		answerAtMs: number,
	): Promise<{ text: string; stored: string }> => {
		const headers = { authorization: `Bearer ${TOKEN}`, 'x-expires': String(expiresAt) };
		const client = new TaskClient(() => workers.url('b'), undefined, headers);
		const taskId = await client.start('generate_report');
		await client.until(taskId, 'input_required');
		await expect
			.poll(() => workers.evict({ className: 'TaskObject' }), { interval: 20 })
			.toBeGreaterThan(0);
		const dump = new URL('/dump', workers.url('a'));
		dump.searchParams.set('name', taskId.split('.')[1] ?? '');
		const stored = await (await fetch(dump)).text();
		await new Promise((resolve) => setTimeout(resolve, answerAtMs - Date.now()));
		// The token that the client sends now is a new one.
		const later = new TaskClient(() => workers.url('b'), undefined, {
			...headers,
			'x-expires': String(Math.ceil(Date.now() / 1000) + 3_600),
		});
		const answer = { action: 'accept', content: { approve: true } };
		await later.update(taskId, { 'input-1': answer });
		const { result } = await later.ended(taskId);
		const { content } = Object(result) as { content?: readonly { text?: string }[] };
		return { text: (content?.[0]?.text ?? '').split('').toReversed().join(''), stored };
	};
	const soon = (): number => Math.ceil(Date.now() / 1000) + 2;

	it('reaches its tool, and is not in the storage of its object in clear', async () => {
		const { stored, text } = await run(soon() + 3_600, 0);
		expect(text).toBe(TOKEN);
		expect(stored).toContain('generate_report');
		expect(stored).toMatch(/\\"context\\":\\"[\w-]{80,}\\"/);
		expect(stored).not.toContain(TOKEN);
	});

	it('is refused after its expiry', async () => {
		const expiresAt = soon();
		const { text } = await run(expiresAt, expiresAt * 1000 + 100);
		expect(text).toBe('undefined');
	});
});
