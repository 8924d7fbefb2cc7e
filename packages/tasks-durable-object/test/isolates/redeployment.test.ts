import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const storagePath = mkdtempSync(join(tmpdir(), 'redeployment-'));
const key = `${crypto.randomUUID()}${crypto.randomUUID()}`;

/** Deploys the server over the same storage. */
function deploy(deployment: 'first' | 'second'): Promise<Workers<'a'>> {
	return startWorkers({
		entry: join(import.meta.dirname, '../fixture/redeployed.ts'),
		workers: ['a'],
		kvNamespaces: [],
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
		storagePath,
		vars: { DEPLOYMENT: deployment, TMCP_SESSION_KEYS: key },
	});
}

describe('a task that sleeps while its server is deployed again', () => {
	const ids = new Map<string, string>();
	let second: Workers<'a'> | undefined;
	beforeAll(async () => {
		const first = await deploy('first');
		try {
			const client = new TaskClient(() => first.url('a'));
			for (const name of ['same', 'changed', 'gone']) ids.set(name, await client.start(name));
			// Each has stored its first step by now, and sleeps.
			await new Promise((resolve) => setTimeout(resolve, 1_000));
		} finally {
			await first.stop();
		}
		second = await deploy('second');
	});
	afterAll(async () => {
		await second?.stop();
		rmSync(storagePath, { recursive: true, force: true });
	});

	const ended = (name: string): ReturnType<TaskClient['ended']> =>
		new TaskClient(() => second?.url('a') ?? expect.fail()).ended(ids.get(name) ?? '');

	it('goes on', async () => {
		expect(await ended('same')).toMatchObject({
			status: 'completed',
			result: { content: [{ text: 'done' }] },
		});
	});

	it('fails if the deployment no longer has its tool', async () => {
		expect(await ended('gone')).toMatchObject({
			status: 'failed',
			error: { code: -32602, message: 'Unknown tool: gone' },
		});
	});

	it('fails if its steps have changed, and names the step', async () => {
		const task = await ended('changed');
		expect(task).toMatchObject({ status: 'failed' });
		expect(task['statusMessage']).toContain(
			'the step "zero" differs from an earlier start of this call, which completed "one" in its place',
		);
	});
});
