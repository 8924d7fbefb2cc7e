import { expect } from 'vitest';
import { inBatches } from '../random/in-batches.ts';
import { HOUR_MS } from './session-store-subject.ts';
import type { SessionStoreCase } from './session-store-subject.ts';

/** Endings of URIs that a backend may truncate, unescape, normalize or treat as a pattern. */
const ENDINGS = [
	'',
	':',
	':b',
	'/',
	'/b',
	'//',
	'#x',
	'?x',
	'&x',
	'+',
	' ',
	'%',
	'%20',
	'%3Ab',
	'%3ab',
	'.',
	'..',
	'/..',
	'*',
	'[a]',
	'{a}',
	'\\',
	'"',
	"'",
	';',
	'\u0000',
	'\n',
	'B',
	'b',
	'é',
	'e\u0301',
	'日本',
	'🚀',
	'\ud83d',
	'\ude80',
	'\ufffd',
	'x'.repeat(10_240),
	`${'x'.repeat(10_239)}y`,
];

/** Cases of resource subscriptions. */
export const subscriptionCases: readonly SessionStoreCase[] = [
	{
		name: 'finds a subscriber until it unsubscribes',
		async run({ store, clock, id, uri }) {
			const untilMs = clock.now() + HOUR_MS;
			expect(await store.subscribers(uri('a'))).toEqual([]);
			await store.subscribe(id('1'), uri('a'), untilMs);
			await store.subscribe(id('2'), uri('a'), untilMs);
			expect((await store.subscribers(uri('a'))).sort()).toEqual([id('1'), id('2')]);
			await store.unsubscribe(id('1'), uri('a'));
			expect(await store.subscribers(uri('a'))).toEqual([id('2')]);
		},
	},
	{
		name: 'counts a session once that subscribes twice',
		async run({ store, clock, id, uri }) {
			await store.subscribe(id(''), uri('a'), clock.now() + HOUR_MS);
			await store.subscribe(id(''), uri('a'), clock.now() + 2 * HOUR_MS);
			expect(await store.subscribers(uri('a'))).toEqual([id('')]);
			await store.unsubscribe(id(''), uri('a'));
			expect(await store.subscribers(uri('a'))).toEqual([]);
		},
	},
	{
		name: 'ignores an unsubscribe without a subscription',
		async run({ store, clock, id, uri }) {
			await store.unsubscribe(id('never'), uri('a'));
			await store.subscribe(id(''), uri('a'), clock.now() + HOUR_MS);
			await store.unsubscribe(id(''), uri('b'));
			expect(await store.subscribers(uri('a'))).toEqual([id('')]);
		},
	},
	{
		name: 'keeps a subscription until its own expiry, however often the session is used',
		async run({ store, clock, id, uri, record }) {
			await store.create(id(''), record({ expiresAtMs: clock.now() + 2 * HOUR_MS }));
			await store.subscribe(id(''), uri('a'), clock.now() + 2 * HOUR_MS);
			clock.advance(HOUR_MS);
			await store.update(id(''), { expiresAtMs: clock.now() + 2 * HOUR_MS });
			clock.advance(HOUR_MS - 1);
			expect(await store.subscribers(uri('a'))).toEqual([id('')]);
		},
	},
	{
		name: 'returns a subscriber of file:///a:b for no other uri, such as file:///a',
		async run({ store, clock, id, uri }) {
			const untilMs = clock.now() + HOUR_MS;
			await inBatches([...ENDINGS.entries()], ([index, ending]) =>
				store.subscribe(id(`-${index}`), uri(ending), untilMs),
			);
			// As JSON: workerd cannot report a failure whose text holds half of a surrogate pair.
			const found: Record<string, string[]> = {};
			for (const ending of ENDINGS) {
				found[JSON.stringify(ending)] = await store.subscribers(uri(ending));
			}
			expect(found).toEqual(
				Object.fromEntries(
					ENDINGS.map((ending, index) => [JSON.stringify(ending), [id(`-${index}`)]]),
				),
			);
		},
	},
	{
		name: 'returns each of 2,500 subscribers of one uri once',
		async run({ store, clock, id, uri }) {
			const ids = Array.from({ length: 2_500 }, (_, index) => id(`-${index}`));
			const untilMs = clock.now() + HOUR_MS;
			await inBatches(ids, (each) => store.subscribe(each, uri('a'), untilMs));
			const found = await store.subscribers(uri('a'));
			expect(found.length).toBe(2_500);
			expect(new Set(found)).toEqual(new Set(ids));
		},
	},
	{
		name: 'ends all 1,100 subscriptions of a session with it',
		async run({ store, clock, id, uri, record }) {
			const uris = Array.from({ length: 1_100 }, (_, index) => uri(`${index}`));
			await store.create(id(''), record());
			await inBatches(uris, (each) => store.subscribe(id(''), each, clock.now() + HOUR_MS));
			await store.delete(id(''));
			const left: string[] = [];
			await inBatches(uris, async (each) => left.push(...(await store.subscribers(each))));
			expect(left).toEqual([]);
		},
	},
	{
		name: 'ends no subscription of other sessions with a session',
		async run({ store, clock, id, uri, record }) {
			const others = [id('2'), id(':'), id('/'), id('%')];
			for (const each of [id(''), ...others]) {
				await store.create(each, record());
				await store.subscribe(each, uri('a'), clock.now() + HOUR_MS);
				await store.subscribe(each, uri('b'), clock.now() + HOUR_MS);
			}
			await store.delete(id(''));
			for (const each of [uri('a'), uri('b')]) {
				expect((await store.subscribers(each)).sort()).toEqual([...others].sort());
			}
		},
	},
	{
		// A composed store may keep the records and subscriptions of a session in two stores.
		name: 'lets a session without a record subscribe, and ends its subscriptions with it',
		async run({ store, clock, id, uri }) {
			await store.subscribe(id(''), uri('a'), clock.now() + HOUR_MS);
			expect(await store.subscribers(uri('a'))).toEqual([id('')]);
			await store.delete(id(''));
			expect(await store.subscribers(uri('a'))).toEqual([]);
		},
	},
];
