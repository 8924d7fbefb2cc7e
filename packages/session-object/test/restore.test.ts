import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { afterEach, describe, expect, it } from 'vitest';

import { alarm, alarmMs, DAY_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { callRows, loseCall, objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetWorld, testSettings, world } from './fixture/test-session.ts';

afterEach(resetWorld);

async function expire(client: Client): Promise<string> {
	world.skewMs += DAY_MS + 1_000;
	await alarm(client);
	expect(await tablesOf(objectOf(client))).toEqual([]);
	return objectOf(client).id.toString();
}

describe('a session that is restored', () => {
	it('has its subscriptions again, though it comes back later than it could have lived', async () => {
		const client = await Client.open();
		await client.ask('resources/subscribe', { uri: 'test://a' });
		const object = await expire(client);
		world.skewMs += 40 * DAY_MS;
		await restoreSession('SESSIONS', object);
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.call('change_a');
		await stream.until('notifications/resources/updated');
	});

	it('by a deployment that knows too few migrations stays in its archive, for one that knows them', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		const object = await expire(client);
		world.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		await expect(restoreSession('SESSIONS', object)).rejects.toThrow(
			/1 migrations have run on the tables of this session and this deployment has 0/,
		);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		world.settings = { migrations: testSettings.migrations };
		await evictDurableObject(objectOf(client));
		await restoreSession('SESSIONS', object);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('resumes the calls that it was archived with, and not while it was put away', async () => {
		world.settings = { lifetime: { idleSeconds: 86_400, absoluteSeconds: 86_400 } };
		const client = await Client.open();
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec(`UPDATE tmcp_entries SET value = json_set(value, '$.ended', 'expired')
				WHERE kind = 'meta' AND key = 'life'`);
		});
		await loseCall(client, { tool: 'slow', arguments: {}, messageId: 7 });
		const object = await expire(client);
		expect(world.resumed).toEqual([]);
		await restoreSession('SESSIONS', object);
		await expect.poll(() => world.resumed).toMatchObject([{ tool: 'slow' }]);
		await expect.poll(() => callRows(client)).toEqual([]);
	});
});
