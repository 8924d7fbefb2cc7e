import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { afterEach, describe, expect, it } from 'vitest';

import { runAlarm, alarmMs, DAY_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { journaledCalls, leaveInterruptedCall, objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testSettings, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

async function expire(client: Client): Promise<string> {
	testState.skewMs += DAY_MS + 1_000;
	await runAlarm(client);
	expect(await tablesOf(objectOf(client))).toEqual([]);
	return objectOf(client).id.toString();
}

describe('a restored session', () => {
	it('has its subscriptions, also when it is restored after its absolute lifetime', async () => {
		const client = await Client.open();
		await client.request('resources/subscribe', { uri: 'test://a' });
		const object = await expire(client);
		testState.skewMs += 40 * DAY_MS;
		await restoreSession('SESSIONS', object);
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.call('change_a');
		await stream.until('notifications/resources/updated');
	});

	it('stays archived if the deployment has too few migrations, and is restored by one that has them all', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		const object = await expire(client);
		testState.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		await expect(restoreSession('SESSIONS', object)).rejects.toThrow(
			/1 migrations have run on the tables of this session and this deployment has 0/,
		);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		testState.settings = { migrations: testSettings.migrations };
		await evictDurableObject(objectOf(client));
		await restoreSession('SESSIONS', object);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('resumes the calls that it was archived with, which its archiving does not resume', async () => {
		testState.settings = { lifetime: { idleSeconds: 86_400, absoluteSeconds: 86_400 } };
		const client = await Client.open();
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec(`UPDATE tmcp_entries SET value = json_set(value, '$.ended', 'expired')
				WHERE kind = 'meta' AND key = 'life'`);
		});
		await leaveInterruptedCall(client, { tool: 'slow', arguments: {}, messageId: 7 });
		const object = await expire(client);
		expect(testState.resumed).toEqual([]);
		await restoreSession('SESSIONS', object);
		await expect.poll(() => testState.resumed).toMatchObject([{ tool: 'slow' }]);
		await expect.poll(() => journaledCalls(client)).toEqual([]);
	});
});
