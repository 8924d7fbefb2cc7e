import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { WorkingClient } from './working-client.ts';
import { startWorking } from './working-workers.ts';

describe.each(workerdVersions)('a call whose object is lost on workerd %s', (version) => {
	let workers: Workers<'a' | 'b'>;
	beforeAll(async () => {
		workers = await startWorking(version, () => {});
	}, 60_000);
	afterAll(() => workers.stop());

	async function openClient(): Promise<WorkingClient> {
		const client = new WorkingClient(() => workers.url('b'));
		await client.open();
		return client;
	}

	it('a turn after it began is resumed: its writes are never stored without its journal entry', async () => {
		const client = await openClient();
		for (const token of ['one', 'two', 'three']) {
			expect(await client.crash(token, 'a turn later')).toBe(true);
			await expect.poll(() => client.unfinished()).toEqual([]);
		}
		expect(await client.started()).toBe(3);
		expect(client.faults).toEqual([]);
	});

	it('in its first turn leaves neither its writes nor its journal entry', async () => {
		const client = await openClient();
		for (const token of ['one', 'two', 'three']) {
			expect(await client.crash(token, 'at once')).toBe(true);
		}
		expect(await client.started()).toBe(0);
		expect(client.faults).toEqual([]);
	});
});
