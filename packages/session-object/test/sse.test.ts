import { describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { SseClient } from './fixture/sse-client.ts';

describe('a session over the old SSE transport', () => {
	it('has an object of its own, and its state', async () => {
		const [one, other] = [await SseClient.open(), await SseClient.open()];
		await one.initialize();
		await other.initialize();
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('list_notes')).toBe('["milk"]');
		expect(await other.call('list_notes')).toBe('[]');
	});
	it('shares the object of its identity with sessions of Streamable HTTP', async () => {
		const headers = { authorization: 'shared/both' };
		const old = await SseClient.open('/identity/sse', headers);
		await old.initialize();
		const current = await Client.open('/identity', headers);
		await old.call('add_note', { text: 'milk' });
		expect(await current.call('list_notes')).toBe('["milk"]');
		await current.call('announce');
		await old.until('notifications/tools/list_changed');
	});
});
