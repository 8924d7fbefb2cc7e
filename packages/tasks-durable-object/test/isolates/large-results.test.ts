import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const text = (task: unknown): string => {
	const { result } = Object(task) as { result?: { content?: readonly { text?: string }[] } };
	return result?.content?.[0]?.text ?? '';
};

describe('a result above the limit of a row', () => {
	let deployment: Deployment;
	beforeAll(async () => {
		deployment = await Deployment.start();
	});
	afterAll(() => deployment.workers.stop());

	it('is in the bucket until the task expires, and survives a restart', async () => {
		const taskId = await deployment.client('a').start('large', { bytes: 4_000_000 });
		expect(text(await deployment.client('b').ended(taskId))).toHaveLength(4_000_000);
		await deployment.workers.restart();
		expect(text((await deployment.client('b').get(taskId)).result)).toHaveLength(4_000_000);
		const keys = await deployment.keysInBucket();
		expect(keys.map((key) => key.split('/')[2])).toEqual(['result', 'step']);
		await expect.poll(() => deployment.keysInBucket(), { timeout: 50_000 }).toEqual([]);
		expect((await deployment.client('a').get(taskId)).error).toMatchObject({ code: -32602 });
	}, 120_000);

	it('stays in the row if it fits', async () => {
		const taskId = await deployment.client('a').start('large', { bytes: 1_000_000 });
		expect(text(await deployment.client('b').ended(taskId))).toHaveLength(1_000_000);
		expect(await deployment.keysInBucket()).toEqual([]);
	});

	it('is rejected if it is too large for the bucket too', async () => {
		const taskId = await deployment.client('a').start('large', { bytes: 17_000_000 });
		expect(await deployment.client('b').ended(taskId)).toMatchObject({
			status: 'failed',
			statusMessage:
				'[tmcp-sessions/tasks] the result of the step "create" must have at most 16000000 bytes of JSON; got 17000002. Store it elsewhere and return where it is',
		});
	});
});
