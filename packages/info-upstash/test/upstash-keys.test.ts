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

/** Returns the TTL of every key in seconds, -0.001 for a key without one. */
async function expiries(): Promise<Map<string, number>> {
	const keys = String(await redis().command('KEYS', '*'))
		.split(',')
		.filter((key) => key !== '');
	const seconds = keys.map(async (key) => Number(await redis().command('PTTL', key)) / 1000);
	return new Map((await Promise.all(seconds)).map((each, index) => [keys[index] ?? '', each]));
}

describe('the keys of UpstashSessionStore', () => {
	it('have a TTL through the whole life of a session', async () => {
		await redis().command('FLUSHALL');
		const { id, uri, clock, record } = openSession();
		const store = storeOf(clock.now);
		const kinds = async (): Promise<string[]> => {
			const found = await expiries();
			for (const [key, seconds] of found) expect(seconds, key).toBeGreaterThan(0);
			return [...found.keys()].map((key) => key.split(':')[1] ?? '').toSorted();
		};
		await store.create(id, record);
		expect(await kinds()).toEqual(['session']);
		await store.update(id, { logLevel: 'info' });
		await store.update(id, { expiresAtMs: clock.now() + 2 * HOUR_MS });
		expect(await kinds()).toEqual(['session']);
		await store.subscribe(id, uri, clock.now() + 2 * HOUR_MS);
		expect(await kinds()).toEqual(['own', 'session', 'uri']);
		await store.subscribe(id, `${uri}/b`, clock.now() + 2 * HOUR_MS);
		await store.unsubscribe(id, `${uri}/b`);
		expect(await kinds()).toEqual(['own', 'session', 'uri']);
		await store.delete(id);
		expect(await kinds()).toEqual(['session']);
		await store.delete('never');
		await store.unsubscribe('never', uri);
		expect(await store.subscribers(uri)).toEqual([]);
		// An unknown session is marked as ended too.
		expect(await kinds()).toEqual(['session', 'session']);
		await store.claim(id, clock.now() + HOUR_MS);
		await store.addOwner('hash', id, clock.now() + HOUR_MS);
		expect(await kinds()).toEqual(['claim', 'owner', 'session', 'session']);
	});

	it('have the TTL that remains by the clock of the caller', async () => {
		await redis().command('FLUSHALL');
		const { id, uri, clock, record } = openSession();
		// A caller whose clock is an hour slow must not lose its sessions an hour early.
		const slow = (): number => clock.now() - HOUR_MS;
		const store = storeOf(slow);
		await store.create(id, { ...record, expiresAtMs: slow() + HOUR_MS });
		await store.subscribe(id, uri, slow() + 2 * HOUR_MS);
		await store.claim(id, slow() + 3 * HOUR_MS);
		const found = [...(await expiries())];
		const byKind = found.map(([key, seconds]) => [key.split(':')[1], Math.round(seconds)]);
		expect(Object.fromEntries(byKind)).toEqual({
			session: 3_600,
			own: 7_200,
			uri: 7_200,
			claim: 10_800,
		});
	});

	it('live as long as the latest subscription, and a tombstone as long as its session', async () => {
		await redis().command('FLUSHALL');
		const { id, uri, clock, record } = openSession();
		const store = storeOf(clock.now);
		await store.create(id, record);
		await store.subscribe(id, uri, clock.now() + 3 * HOUR_MS);
		await store.subscribe(`${id}2`, uri, clock.now() + HOUR_MS);
		const uriKey =
			[...(await expiries()).keys()].find((key) => key.startsWith('{tmcp}:uri:')) ?? '';
		expect((await expiries()).get(uriKey)).toBeGreaterThan(3 * 3_600 - 5);
		await store.delete(id);
		expect((await expiries()).get(`{tmcp}:session:${id}`)).toBeLessThanOrEqual(3_600);
		expect((await expiries()).get(`{tmcp}:session:${id}`)).toBeGreaterThan(3_600 - 5);
	});

	it('contain no expired subscription after the next use of the uri', async () => {
		const { id, uri, clock } = openSession();
		const store = storeOf(clock.now);
		await store.subscribe(`${id}1`, uri, clock.now() + HOUR_MS);
		await store.subscribe(`${id}2`, uri, clock.now() + 3 * HOUR_MS);
		const before = await expiries();
		const size = async (): Promise<number> => {
			const keys = [...before.keys()].filter((key) => key.startsWith('{tmcp}:uri:'));
			const found = keys.map((key) => redis().command('ZSCORE', key, `${id}1`));
			return (await Promise.all(found)).filter((score) => score !== null).length;
		};
		expect(await size()).toBe(1);
		clock.advance(HOUR_MS - 1);
		expect((await store.subscribers(uri)).length).toBe(2);
		clock.advance(1);
		await store.subscribe(`${id}3`, uri, clock.now() + HOUR_MS);
		expect(await size()).toBe(0);
		clock.advance(HOUR_MS);
		expect(await store.subscribers(uri)).toEqual([`${id}2`]);
	});

	it('begin with the prefix, which separates stores', async () => {
		await redis().command('FLUSHALL');
		const { id, uri, record } = openSession();
		const client = new Redis(redis());
		const one = new UpstashSessionStore({ redis: client, prefix: 'one:' });
		const two = new UpstashSessionStore({ redis: client, prefix: 'two:' });
		await one.create(id, record);
		await one.subscribe(id, uri, record.expiresAtMs);
		expect(await two.read(id)).toBeUndefined();
		expect(await two.subscribers(uri)).toEqual([]);
		await two.delete(id);
		expect(await one.read(id)).toEqual(record);
		expect(await one.claim(id, record.expiresAtMs)).toBe(true);
		expect(await two.claim(id, record.expiresAtMs)).toBe(true);
		await redis().command('DEL', `two:claim:${id}`, `two:session:${id}`);
		await one.addOwner('hash', id, record.expiresAtMs);
		for (const key of (await expiries()).keys())
			expect(key).toMatch(/^one:(session|uri|own|owner|claim):/);
	});
});
