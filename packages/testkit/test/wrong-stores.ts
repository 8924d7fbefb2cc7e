import { mergeSessionPatch } from '@tmcp-sessions/core/backend';
import type { SessionRecord, SessionStore } from '@tmcp-sessions/core/backend';
import type { WrongStore } from './wrong-store.ts';
import { wrongSubscriptionStores } from './wrong-subscription-stores.ts';

const eventual = { consistency: 'eventual', visibleWithinSeconds: 60 } as const;

const seenElsewhere =
	'consistency: shows a confirmed write to another isolate within visibleWithinSeconds';
const atomicUpdate =
	'atomicUpdate: merges concurrent updates of different fields, or keeps at least one';
const ttl = 'ttlFloorSeconds: expires a record in the backend itself, never early';
const declared = 'declares the expected capabilities';
const invalidIds = 'rejects an invalid id with InvalidSessionIdError in every method';
const pairs = 'keeps a session ended in every order of its end and one other operation';
const triples = 'keeps a session ended in 60 orders of its end and two other operations';
const marked = 'keeps the mark hasEnded in every order of the write of it and one other';
const longIds = 'rejects an id of maxIdBytes + 1 in every method, without showing it';

/** Repeats the first result of each read for `seconds`. */
function stale(store: SessionStore, now: () => number, seconds: number): Partial<SessionStore> {
	const answers = new Map<string, { untilMs: number; answer: unknown }>();
	async function remembered<Answer>(key: string, ask: () => Promise<Answer>): Promise<Answer> {
		const known = answers.get(key);
		// Safe because the key holds the method, and so determines the type of the result.
		if (known && now() < known.untilMs) return known.answer as Answer;
		const answer = await ask();
		answers.set(key, { untilMs: now() + seconds * 1000, answer });
		return answer;
	}
	return {
		read: (id) => remembered(`read ${id}`, () => store.read(id)),
		subscribers: (uri) => remembered(`subscribers ${uri}`, () => store.subscribers(uri)),
	};
}

/** Stores with a fault, and correct stores of every capability. */
export const wrongStores: readonly WrongStore[] = [
	...wrongSubscriptionStores,
	{
		name: 'is eventual and stale for as long as it declares',
		capabilities: eventual,
		elsewhere: (store, now) => stale(store, now, 60),
		fails: [],
	},
	{
		name: 'is not atomic and declares it',
		capabilities: { atomicUpdate: false },
		methods: overwriting,
		fails: [],
	},
	{
		name: 'declares other capabilities than documented',
		capabilities: { ttlFloorSeconds: 1 },
		expected: { ttlFloorSeconds: 0 },
		fails: [declared],
	},
	{
		name: 'forgets when records expire',
		now: () => 0,
		fails: [
			'expires a session to the millisecond, however short its lifetime',
			'moves the expiry with an update, even in the last millisecond',
			'does not revive an expired session with a late update',
		],
	},
	{
		name: 'ends sessions a millisecond late',
		now: (now) => now() - 1,
		fails: [
			'expires a session to the millisecond, however short its lifetime',
			'moves the expiry with an update, even in the last millisecond',
			'does not revive an expired session with a late update',
		],
	},
	{
		name: 'gives its records no expiry in the backend',
		keepsForever: true,
		fails: [ttl],
	},
	{
		name: 'loses one of two writes at the same time',
		methods: overwriting,
		fails: [atomicUpdate],
	},
	{
		name: 'confirms an update and forgets it',
		methods: (right) => ({
			update: async (id) => (await right.read(id)) !== undefined,
		}),
		fails: [
			'merges the fields of an update and leaves the rest',
			'moves the expiry with an update, even in the last millisecond',
			marked,
			'accepts an id of exactly maxIdBytes in every method',
			seenElsewhere,
			ttl,
			atomicUpdate,
		],
	},
	{
		name: 'brings an ended or expired session back with a late update',
		methods(right) {
			const gone = new Map<string, SessionRecord>();
			const revived = new Map<string, SessionRecord>();
			return {
				async create(id, record) {
					await right.create(id, record);
					gone.set(id, record);
				},
				read: async (id) => (await right.read(id)) ?? revived.get(id),
				async update(id, patch, ifAbsent) {
					if (await right.update(id, patch, ifAbsent)) return true;
					const record = gone.get(id);
					if (record) revived.set(id, { ...record, ...patch });
					return record !== undefined;
				},
			};
		},
		fails: [
			'reads undefined for an ended session, which a late update does not revive',
			'keeps an ended session ended before and after its expiry',
			'does not revive an expired session with a late update',
			'ends a session whose record is corrupt',
			pairs,
			triples,
			marked,
			seenElsewhere,
		],
	},
	{
		name: 'creates an unknown session with an update',
		methods: (right) => ({
			async update(id, patch, ifAbsent) {
				if (await right.update(id, patch, ifAbsent)) return true;
				const expiresAtMs = patch.expiresAtMs ?? 0;
				await right.create(id, { createdAtMs: 0, ...patch, expiresAtMs });
				return (await right.read(id)) !== undefined;
			},
		}),
		fails: [
			'returns false for an update of an unknown session and creates none',
			'keeps an ended session ended before and after its expiry',
			'does not revive an expired session with a late update',
			marked,
		],
	},
	{
		name: 'writes what it has read before the session ended',
		methods: (right, { overwrite, step }) => ({
			async update(id, patch, ifAbsent) {
				const record = await step(() => right.read(id));
				if (!record) return right.update(id, patch, ifAbsent);
				if (record.hasEnded) return false;
				await step(async () => overwrite(id, mergeSessionPatch(record, patch)));
				return true;
			},
		}),
		fails: [pairs, triples, marked, atomicUpdate],
	},
	{
		name: 'looks for the end of a session only before it creates it',
		methods: (right, { overwrite, step }) => ({
			async create(id, record) {
				const canCreate = await step(() => right.update(id, {}, record));
				if (canCreate) await step(async () => overwrite(id, record));
			},
		}),
		fails: [pairs, triples, marked],
	},
	{
		name: 'does not mark the end of an unknown session',
		methods: (right) => ({
			async delete(id, untilMs) {
				if (await right.read(id)) await right.delete(id, untilMs);
			},
		}),
		fails: [
			'ends a session whose record is corrupt',
			pairs,
			triples,
			'lets a session without a record subscribe, and ends its subscriptions with it',
		],
	},
	{
		name: 'replaces the mark hasEnded',
		methods: (right, { overwrite }) => ({
			async create(id, record) {
				if ((await right.read(id))?.hasEnded) overwrite(id, record);
				else await right.create(id, record);
			},
		}),
		fails: [marked],
	},
	{
		name: 'ignores the case of ids',
		methods: (right) => ({
			create: async (id, record) => right.create(lowered(id), record),
			read: async (id) => right.read(lowered(id)),
			update: async (id, patch, ifAbsent) => right.update(lowered(id), patch, ifAbsent),
			delete: async (id, untilMs) => right.delete(lowered(id), untilMs),
		}),
		fails: ['tells apart ids that differ in one character, whatever the character'],
	},
	{
		name: 'reads undefined for a corrupt record',
		methods: (right) => ({
			read: (id) => right.read(id).catch(undefinedIfCorrupt),
		}),
		fails: ['rejects every read and update of a corrupt record with CorruptRecordError'],
	},
	{
		name: 'overwrites a corrupt record with an update',
		methods: (right) => ({
			update: (id, patch, ifAbsent) => right.update(id, patch, ifAbsent).catch(() => true),
		}),
		fails: [
			'rejects every read and update of a corrupt record with CorruptRecordError',
			invalidIds,
			longIds,
		],
	},
	{
		name: 'cannot end a session whose record is corrupt',
		methods: (right) => ({
			async delete(id, untilMs) {
				await right.read(id);
				await right.delete(id, untilMs);
			},
		}),
		fails: ['ends a session whose record is corrupt'],
	},
	{
		name: 'accepts only shorter ids than it declares',
		capabilities: { maxIdBytes: 1025 },
		fails: [
			'accepts an id of exactly maxIdBytes in every method',
			'tells the longest ids apart by their last character',
		],
	},
	{
		name: 'accepts longer ids than it declares',
		capabilities: { maxIdBytes: 1023 },
		fails: [longIds],
	},
	{
		name: 'truncates long ids',
		methods: (right) => ({
			create: async (id, record) => right.create(cutOff(id), record),
			read: async (id) => right.read(cutOff(id)),
		}),
		fails: [
			'accepts an id of exactly maxIdBytes in every method',
			'tells the longest ids apart by their last character',
		],
	},
	{
		name: 'shares its objects with its callers',
		methods(right) {
			const shared = new Map<string, SessionRecord>();
			return {
				async create(id, record) {
					await right.create(id, record);
					shared.set(id, record);
				},
				async update(id, patch, ifAbsent) {
					shared.delete(id);
					return right.update(id, patch, ifAbsent);
				},
				async read(id) {
					const record = await right.read(id);
					return record && (shared.get(id) ?? record);
				},
			};
		},
		fails: ['shares no object with its callers', marked],
	},
	{
		name: 'is stale for a second and declares to be strong',
		elsewhere: (store, now) => stale(store, now, 1),
		fails: [pairs, triples, marked, seenElsewhere],
	},
	{
		name: 'is stale for longer than it declares',
		capabilities: eventual,
		elsewhere: (store, now) => stale(store, now, 61),
		fails: [seenElsewhere],
	},
	{
		name: 'is shared and declares to be of one isolate',
		capabilities: { consistency: 'isolate' },
		fails: [seenElsewhere],
	},
	{
		name: 'declares to be eventual without a time',
		capabilities: { consistency: 'eventual' },
		fails: [seenElsewhere],
	},
	{
		name: 'throws instead of rejecting',
		methods: (right) => ({
			read(id) {
				if (typeof id !== 'string' || id === '') throw new TypeError('no id');
				return right.read(id);
			},
		}),
		fails: [invalidIds],
	},
];

/** Reads, yields and writes the whole record back. */
function overwriting(right: SessionStore): Partial<SessionStore> {
	return {
		async update(id, patch, ifAbsent) {
			const record = await right.read(id);
			if (!record) return right.update(id, patch, ifAbsent);
			await Promise.resolve();
			return right.update(id, { ...record, ...patch });
		},
	};
}

function undefinedIfCorrupt(error: unknown): undefined {
	if (error instanceof Error && error.name === 'CorruptRecordError') return undefined;
	throw error;
}

// Any other value goes to the correct store, which rejects it.
function lowered(id: string): string {
	return typeof id === 'string' ? id.toLowerCase() : id;
}

function cutOff(id: string): string {
	return typeof id === 'string' && id.length <= 1024 ? id.slice(0, 512) : id;
}
