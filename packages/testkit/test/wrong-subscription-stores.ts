import type { WrongStore } from './wrong-store.ts';

/** Stores that tell the wrong sessions of a resource. */
export const wrongSubscriptionStores: readonly WrongStore[] = [
	{
		name: 'takes what begins with a uri for that uri',
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
		fails: ['a subscriber of file:///a:b is no subscriber of file:///a, nor of any other uri'],
	},
	{
		name: 'normalises uris',
		methods: (right) => ({
			subscribe: (id, uri, untilMs) => right.subscribe(id, uri.normalize(), untilMs),
			subscribers: (uri) => right.subscribers(uri.normalize()),
		}),
		fails: ['a subscriber of file:///a:b is no subscriber of file:///a, nor of any other uri'],
	},
	{
		name: 'cuts long uris off',
		methods: (right) => ({
			subscribe: (id, uri, untilMs) => right.subscribe(id, uri.slice(0, 4_096), untilMs),
			subscribers: (uri) => right.subscribers(uri.slice(0, 4_096)),
		}),
		fails: ['a subscriber of file:///a:b is no subscriber of file:///a, nor of any other uri'],
	},
	{
		name: 'reads the first page of a list and no other',
		methods: (right) => ({
			subscribers: async (uri) => (await right.subscribers(uri)).slice(0, 1_000),
		}),
		fails: ['2,500 subscribers of one uri come back, each once'],
	},
	{
		name: 'reads the end of a page again',
		methods: (right) => ({
			async subscribers(uri) {
				const all = await right.subscribers(uri);
				return [...all, ...all.slice(999, 1_000)];
			},
		}),
		fails: ['2,500 subscribers of one uri come back, each once'],
	},
	{
		name: 'counts a subscriber as often as it subscribed',
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
		fails: ['subscribing twice is once'],
	},
	{
		name: 'leaves the subscriptions of an ended session behind',
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
			'ending a session ends all its 1,100 subscriptions',
			"ending a session ends nobody else's subscriptions",
			'a session without a record can subscribe, and ending it ends its subscriptions',
			'ids that differ in one character are different sessions, whatever the character',
		],
	},
	{
		name: 'ends every session whose id begins with the one to end',
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
			'ending a session leaves the others',
			"ending a session ends nobody else's subscriptions",
			'ids that differ in one character are different sessions, whatever the character',
		],
	},
];
