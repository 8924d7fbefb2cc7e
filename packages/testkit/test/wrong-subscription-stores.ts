import type { WrongStore } from './wrong-store.ts';

/** Stores that return the wrong subscribers of a resource. */
export const wrongSubscriptionStores: readonly WrongStore[] = [
	{
		name: 'matches subscriptions by the beginning of a uri',
		methods(right) {
			const uris = new Set<string>();
			return {
				async subscribe(id, uri, untilMs) {
					await right.subscribe(id, uri, untilMs);
					uris.add(uri);
				},
				async subscribers(uri) {
					const matching = [...uris].filter((each) => each.startsWith(uri));
					return (await Promise.all(matching.map((each) => right.subscribers(each)))).flat();
				},
			};
		},
		fails: ['returns a subscriber of file:///a:b for no other uri, such as file:///a'],
	},
	{
		name: 'normalizes uris',
		methods: (right) => ({
			subscribe: (id, uri, untilMs) => right.subscribe(id, uri.normalize(), untilMs),
			subscribers: (uri) => right.subscribers(uri.normalize()),
		}),
		fails: ['returns a subscriber of file:///a:b for no other uri, such as file:///a'],
	},
	{
		name: 'truncates long uris',
		methods: (right) => ({
			subscribe: (id, uri, untilMs) => right.subscribe(id, uri.slice(0, 4_096), untilMs),
			subscribers: (uri) => right.subscribers(uri.slice(0, 4_096)),
		}),
		fails: ['returns a subscriber of file:///a:b for no other uri, such as file:///a'],
	},
	{
		name: 'reads only the first page of a list',
		methods: (right) => ({
			subscribers: async (uri) => (await right.subscribers(uri)).slice(0, 1_000),
		}),
		fails: ['returns each of 2,500 subscribers of one uri once'],
	},
	{
		name: 'repeats the last entry of a page',
		methods: (right) => ({
			async subscribers(uri) {
				const all = await right.subscribers(uri);
				return [...all, ...all.slice(999, 1_000)];
			},
		}),
		fails: ['returns each of 2,500 subscribers of one uri once'],
	},
	{
		name: 'returns a subscriber once for each subscribe',
		methods(right) {
			const subscribed: string[] = [];
			return {
				async subscribe(id, uri, untilMs) {
					await right.subscribe(id, uri, untilMs);
					subscribed.push(JSON.stringify([id, uri]));
				},
				async subscribers(uri) {
					const once = await right.subscribers(uri);
					return once.flatMap((id) =>
						subscribed.filter((each) => each === JSON.stringify([id, uri])).map(() => id),
					);
				},
			};
		},
		fails: ['counts a session once that subscribes twice'],
	},
	{
		name: 'keeps the subscriptions of an ended session',
		methods(right) {
			const orphans = new Map<string, Set<string>>();
			return {
				async subscribe(id, uri, untilMs) {
					await right.subscribe(id, uri, untilMs);
					orphans.set(uri, (orphans.get(uri) ?? new Set()).add(id));
				},
				async unsubscribe(id, uri) {
					await right.unsubscribe(id, uri);
					orphans.get(uri)?.delete(id);
				},
				subscribers: async (uri) => [...(orphans.get(uri) ?? [])],
			};
		},
		fails: [
			'ends all 1,100 subscriptions of a session with it',
			'ends no subscription of other sessions with a session',
			'lets a session without a record subscribe, and ends its subscriptions with it',
			'tells apart ids that differ in one character, whatever the character',
		],
	},
	{
		name: 'ends every session whose id begins with the ended one',
		methods(right) {
			const ids = new Set<string>();
			return {
				async create(id, record) {
					await right.create(id, record);
					ids.add(id);
				},
				async delete(id) {
					await right.delete(id);
					for (const each of ids) if (each.startsWith(id)) await right.delete(each);
				},
			};
		},
		fails: [
			'ends no other session',
			'ends no subscription of other sessions with a session',
			'tells apart ids that differ in one character, whatever the character',
		],
	},
];
