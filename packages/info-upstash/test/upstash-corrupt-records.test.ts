import { openSession } from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { describe, expect, it } from 'vitest';
import { UpstashSessionStore } from '../src/index.ts';
import { failureOf, PACKAGE } from './failures.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

describe('a corrupt record', () => {
	it.each([
		['a list', 'not a text', (key: string) => ['LPUSH', key, 'a']],
		['JSON of a list', 'not a text', (key: string) => ['SET', key, '[1]']],
		['other text', 'a line is not a field', (key: string) => ['SET', key, 'some text']],
		[
			'a field that is not JSON',
			'characters that are not JSON',
			(key: string) => ['SET', key, 'createdAtMs=x'],
		],
		['half a record', 'invalid expiresAtMs', (key: string) => ['SET', key, 'createdAtMs=1']],
	])('that is %s causes a CorruptRecordError', async (_, found, command) => {
		const { id } = openSession();
		await redis().command(...command(`{tmcp}:session:${id}`));
		const store = new UpstashSessionStore({ redis: new Redis(redis()) });
		for (const call of [() => store.read(id), () => store.update(id, { logLevel: 'info' })]) {
			const { name, message } = await failureOf(call(), id, redis().token);
			expect(name).toBe('CorruptRecordError');
			expect(message).toContain(`${PACKAGE} invalid session record (`);
		}
		await expect(store.read(id)).rejects.toThrow(found);
		await store.delete(id);
		expect(await store.read(id)).toBeUndefined();
	});

	it.each([
		['logLevel="loud"', 'invalid logLevel'],
		['clientInfo={"name":"a"}', 'clientInfo without name and version'],
		['clientCapabilities=[]', 'invalid clientCapabilities'],
		['expiresAtMs="1"', 'invalid expiresAtMs'],
	])('with the line %s causes a CorruptRecordError', async (line, found) => {
		const { id, record } = openSession();
		const store = new UpstashSessionStore({ redis: new Redis(redis()) });
		await store.create(id, record);
		await redis().command('APPEND', `{tmcp}:session:${id}`, `\n${line}`);
		await expect(store.read(id)).rejects.toMatchObject({ name: 'CorruptRecordError' });
		await expect(store.read(id)).rejects.toThrow(found);
	});
});
