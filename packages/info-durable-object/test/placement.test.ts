import { openSession, seededRandom } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import {
	objectIndexOf,
	OBJECTS_PER_SHARD,
	locationOfObject,
	locationOfSession,
} from '../src/placement.ts';
import { namespace } from './shards.ts';

const KEYS = 16_000;
/** Chi-square with 15 degrees of freedom exceeds this with a probability of 1:10,000. */
const CHI_SQUARE = 44.3;

const random = seededRandom(20_261_121);
const hex = (length: number): string =>
	Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');

describe('objectIndexOf distributes evenly', () => {
	it.each<[string, (index: number) => string]>([
		['random ids', () => hex(32)],
		['uuids', () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`],
		['ids that count up', (index) => `session-${index}`],
		['ids that differ at the front', (index) => `${index}-of-a-long-common-tail-of-all-ids`],
		[
			'ids whose characters have the same low bits',
			(index) => index.toString(2).replaceAll('0', 'a').replaceAll('1', 'q'),
		],
		['ids of one repeated character', (index) => '%20'.repeat(index % 300) + (index % 54)],
	])('%s', (_what, keyOf) => {
		const counts = Array.from({ length: OBJECTS_PER_SHARD }, () => 0);
		const keys = new Set(Array.from({ length: KEYS }, (_, index) => keyOf(index)));
		for (const key of keys) {
			const index = objectIndexOf(key);
			counts[index] = (counts[index] ?? NaN) + 1;
		}
		const mean = keys.size / OBJECTS_PER_SHARD;
		const chiSquare = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
		expect(chiSquare, counts.join()).toBeLessThan(CHI_SQUARE);
	});

	it('keys, and never moves them: other releases must find them', () => {
		expect(['', 'a', 'b', '4f9c1d7a', '%F0%9F%9A%80'].map((key) => objectIndexOf(key))).toEqual([
			11, 3, 2, 14, 11,
		]);
	});
});

describe('the location of a session', () => {
	it.each([
		['1.0.abc.def', /^sessions-\d+$/, undefined],
		['an id in another format', /^sessions-\d+$/, undefined],
		['1.weur3.abc.def', /^sessions-weur3-\d+$/, 'weur'],
		['2.apac-ne255.abc.def', /^sessions-apac-ne255-\d+$/, 'apac-ne'],
		['1.7.abc.def', /^sessions-7-\d+$/, undefined],
		['1.mars0.abc.def', /^sessions-\d+$/, undefined],
		['1.weur256.abc.def', /^sessions-\d+$/, undefined],
	])('is the shard in its id: %s', (id, name, region) => {
		expect(locationOfSession(id)).toEqual({ name: expect.stringMatching(name), region });
	});

	it('has no region for subscribers and claims', () => {
		expect(locationOfObject(15)).toEqual({ name: 'sessions-15', region: undefined });
	});

	it('is passed as a hint, and subscriptions are in the root shard', async () => {
		const asked: [string, unknown][] = [];
		const watched = new Proxy(namespace, {
			get(target, key) {
				const member: unknown = Reflect.get(target, key);
				if (key !== 'getByName')
					return typeof member === 'function' ? (member.bind(target) as unknown) : member;
				return (name: string, options?: DurableObjectNamespaceGetDurableObjectOptions) => {
					asked.push([name, options]);
					return target.getByName(name, options);
				};
			},
		});
		const { id, uri, record } = openSession();
		const [near, far] = [`1.weur1.${id}`, `1.oc0.${id}`];
		const store = new DurableObjectSessionStore(watched);
		for (const each of [near, far]) {
			await store.create(each, record);
			await store.subscribe(each, uri, record.expiresAtMs);
		}
		expect((await store.subscribers(uri)).toSorted()).toEqual([near, far].toSorted());
		await store.delete(near);
		expect(await store.subscribers(uri)).toEqual([far]);
		expect(await store.read(far)).toEqual(record);
		const hints = new Map(asked.filter(([, options]) => options !== undefined));
		expect([...hints]).toEqual([
			[expect.stringMatching(/^sessions-weur1-/), { locationHint: 'weur' }],
			[expect.stringMatching(/^sessions-oc0-/), { locationHint: 'oc' }],
		]);
	});
});
