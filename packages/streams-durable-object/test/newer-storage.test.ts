import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';

import { SyncLayer } from './fixture/streams.ts';
import { evict, syncLayer } from './fixture/sync-layer.ts';

it('does not write the tables of a later release, sets no alarm, and rejects every call', async () => {
	await syncLayer().broadcast(undefined, 'logged');
	await runInDurableObject(syncLayer(), async (_object, state) => {
		const { sql } = state.storage;
		const contents = (): string =>
			JSON.stringify([
				sql.exec('SELECT * FROM sqlite_master').toArray(),
				sql.exec('SELECT * FROM tmcp_meta').toArray(),
				sql.exec('SELECT * FROM tmcp_log').toArray(),
			]);
		sql.exec("INSERT INTO tmcp_meta VALUES ('schema_version', 2)");
		await state.storage.deleteAlarm();
		const before = contents();
		expect(() => new SyncLayer(state, env)).toThrow(
			'the streams of this object have schema version 2; this release supports 1. Deploy a later release',
		);
		expect(contents()).toBe(before);
		expect(await state.storage.getAlarm()).toBeNull();
	});
	await evict();
	const errors: Error[] = [];
	const streams = new DurableObjectStreamSessionManager(undefined, {
		onError: (error) => void errors.push(error),
	});
	await expect(streams.hasOpenStream('a')).rejects.toMatchObject({
		code: 'stream',
		message: expect.stringContaining('schema version 2'),
	});
	await expect(streams.deliver('a', '{}')).rejects.toMatchObject({ code: 'stream' });
	await streams.send(['a'], 'lost');
	expect(errors.map(({ message }) => message).join()).toContain('schema version 2');
});
