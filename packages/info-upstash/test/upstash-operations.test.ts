import { openSession } from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { describe, expect, it } from 'vitest';
import { UpstashSessionStore } from '../src/upstash-session-store.ts';
import { redisOfThisFile } from './redis.ts';

const HOUR_MS = 3_600_000;

const redis = redisOfThisFile();

function storeOf(now?: () => number): UpstashSessionStore {
	return new UpstashSessionStore({ redis: new Redis(redis()), now });
}

/** Returns the commands of each HTTP request since the last call. */
function takeRequests(): string[] {
	return redis()
		.takeRequests()
		.map(({ path, commands }) => `${path} ${commands.join(' ')}`);
}

describe('the HTTP requests of UpstashSessionStore', () => {
	it('are 1 for each operation, with a command that Upstash sends to the primary', async () => {
		const { id, uri, record } = openSession();
		const store = storeOf();
		const calls: (() => Promise<unknown>)[] = [
			() => store.create(id, record),
			() => store.read(id),
			() => store.update(id, { logLevel: 'info' }),
			() => store.subscribe(id, uri, record.expiresAtMs),
			() => store.subscribers(uri),
			() => store.unsubscribe(id, uri),
			() => store.delete(id),
			() => store.claim(id, record.expiresAtMs),
		];
		for (const [index, call] of calls.entries()) {
			takeRequests();
			await call();
			// Any replica may answer GET, ZRANGE and EVAL_RO.
			expect(takeRequests()).toEqual([index === 1 ? '/pipeline GETEX' : '/pipeline EVAL']);
		}
	});

	it('are not shared by concurrent operations', async () => {
		const { id } = openSession();
		const store = storeOf();
		takeRequests();
		await Promise.all([store.read(id), store.read(`${id}2`), store.update(id, {})]);
		expect(takeRequests().toSorted()).toEqual([
			'/pipeline EVAL',
			'/pipeline GETEX',
			'/pipeline GETEX',
		]);
	});

	it('are 1 for 2,500 subscribers', async () => {
		const { id, uri, record } = openSession();
		const store = storeOf();
		for (let start = 0; start < 2_500; start += 100) {
			await Promise.all(
				Array.from({ length: 100 }, (_, index) =>
					store.subscribe(`${id}-${start + index}`, uri, record.expiresAtMs),
				),
			);
		}
		takeRequests();
		expect(new Set(await store.subscribers(uri)).size).toBe(2_500);
		expect(takeRequests()).toEqual(['/pipeline EVAL']);
	}, 30_000);

	it('run the number of commands that the README states', async () => {
		const { id, uri, record } = openSession();
		const store = storeOf();
		const calls: [number, () => Promise<unknown>][] = [
			[3, () => store.create(id, record)],
			[1, () => store.read(id)],
			[3, () => store.update(id, { logLevel: 'info' })],
			[9, () => store.subscribe(id, uri, record.expiresAtMs)],
			[3, () => store.unsubscribe(id, uri)],
			[9, () => store.subscribe(id, uri, record.expiresAtMs)],
			// The set of the session already lives long enough.
			[8, () => store.subscribe(id, `${uri}/b`, record.expiresAtMs - 60_000)],
			[3, () => store.subscribers(uri)],
			[5 + 2, () => store.delete(id)],
			[2, () => store.claim(id, record.expiresAtMs)],
			[3, () => store.claim(id, record.expiresAtMs)],
		];
		for (const [index, [expected, call]] of calls.entries()) {
			await redis().command('CONFIG', 'RESETSTAT');
			await call();
			const stats = String(await redis().command('INFO', 'commandstats'));
			const ran = [...stats.matchAll(/cmdstat_(?!config|info)\S+?:calls=(\d+)/g)];
			const commands = ran.reduce((sum, [, calls]) => sum + Number(calls), 0);
			expect(commands, `call ${index}`).toBe(expected);
		}
	});

	it('are none for an invalid id', async () => {
		takeRequests();
		await expect(storeOf().read('x'.repeat(1_025))).rejects.toMatchObject({
			code: 'invalid-session-id',
		});
		expect(takeRequests()).toEqual([]);
	});
});

describe('UpstashSessionStore over a client that parses its responses', () => {
	it.each(['null', 'true', '123', '1e3', '12345678901234567890', '{}', '[1]', '"a"', 'OK', 'T0s='])(
		'returns the id %s unchanged',
		async (id) => {
			const { uri, record } = openSession();
			const store = storeOf();
			await store.create(id, record);
			await store.subscribe(id, uri, record.expiresAtMs);
			expect(await store.read(id)).toEqual(record);
			expect(await store.subscribers(uri)).toEqual([id]);
		},
	);

	it('preserves empty lists, long numbers and line separators', async () => {
		const { id, record } = openSession();
		const clientCapabilities = {
			experimental: { none: { list: [] }, number: { value: 0.12345678901234568 } },
		};
		const clientInfo = { name: 'a\u2028b\nlogLevel="debug"\r=\u0000', version: '\u007f\\/é' };
		const store = storeOf();
		await store.create(id, { ...record, clientInfo, clientCapabilities });
		await store.update(id, { logLevel: 'info' });
		const expected = { ...record, clientInfo, clientCapabilities, logLevel: 'info' };
		expect(await store.read(id)).toEqual(expected);
	});
});

describe('two writers of one session', () => {
	it('do not lose any of 200 updates of different fields', async () => {
		const { id, record } = openSession();
		const [one, two] = [storeOf(), storeOf()];
		await one.create(id, record);
		for (let round = 0; round < 100; round++) {
			const clientInfo = { name: `client ${round}`, version: '1' };
			const expiresAtMs = record.expiresAtMs + round;
			await Promise.all([one.update(id, { clientInfo }), two.update(id, { expiresAtMs })]);
			expect(await one.read(id)).toEqual({ ...record, clientInfo, expiresAtMs });
		}
	});

	it('do not revive a session that one of them ends at the same time', async () => {
		const [one, two] = [storeOf(), storeOf()];
		for (let round = 0; round < 50; round++) {
			const { id, uri, record } = openSession();
			await one.create(id, record);
			await Promise.all([
				two.update(id, { logLevel: 'info' }),
				one.delete(id),
				two.subscribe(id, uri, record.expiresAtMs),
				two.update(id, { expiresAtMs: record.expiresAtMs + HOUR_MS }),
			]);
			expect(await two.read(id)).toBeUndefined();
			expect(await two.subscribers(uri)).toEqual([]);
		}
	});

	it('do not revive a session with a late create or subscription', async () => {
		const { id, uri, record } = openSession();
		const store = storeOf();
		await store.create(id, record);
		await store.delete(id);
		await store.create(id, record);
		await store.subscribe(id, uri, record.expiresAtMs);
		expect(await store.read(id)).toBeUndefined();
		expect(await store.subscribers(uri)).toEqual([]);
	});

	it('may repeat an operation, as a client does after a lost response', async () => {
		const { id, uri, record } = openSession();
		const store = storeOf();
		for (const call of [
			() => store.create(id, record),
			() => store.update(id, { logLevel: 'info' }),
			() => store.subscribe(id, uri, record.expiresAtMs),
		]) {
			await call();
			await call();
		}
		expect(await store.read(id)).toEqual({ ...record, logLevel: 'info' });
		expect(await store.subscribers(uri)).toEqual([id]);
		for (const call of [() => store.unsubscribe(id, uri), () => store.delete(id)]) {
			await call();
			await call();
		}
		expect(await store.subscribers(uri)).toEqual([]);
	});
});
