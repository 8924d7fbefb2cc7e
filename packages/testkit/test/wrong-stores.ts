import type { SessionRecord, SessionStore } from '@tmcp-sessions/core/backend';
import type { WrongStore } from './wrong-store.ts';
import { wrongSubscriptionStores } from './wrong-subscription-stores.ts';

const eventual = { consistency: 'eventual', visibleWithinSeconds: 60 } as const;

const seenElsewhere = 'consistency: a confirmed write is seen elsewhere when the store says so';
const atomicUpdate = 'atomicUpdate: updates of different fields at the same time';
const ttl = 'ttlFloorSeconds: the backend forgets a record by itself, never early';
const declared = 'the declared capabilities are those expected';
const invalidIds = 'what is no id is refused with an InvalidSessionIdError by every method';
const longIds =
	'an id of one byte more than maxIdBytes is refused by every method, without being shown';

/** Reads as they were answered first, for so long. */
function stale(store: SessionStore, now: () => number, seconds: number): Partial<SessionStore> {
	const answers = new Map<string, { untilMs: number; answer: unknown }>();
	async function remembered<Answer>(key: string, ask: () => Promise<Answer>): Promise<Answer> {
		const known = answers.get(key);
		// Sound: the key names the method, and with it the type of the answer.
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

/** Stores of every kind, right and wrong. */
export const wrongStores: readonly WrongStore[] = [
	...wrongSubscriptionStores,
	{
		name: 'is eventual and stale for as long as it declares',
		capabilities: eventual,
		elsewhere: (store, now) => stale(store, now, 60),
		fails: [],
	},
	{
		name: 'is not atomic and says so',
		capabilities: { atomicUpdate: false },
		methods: overwriting,
		fails: [],
	},
	{
		name: 'declares something else than its package says',
		capabilities: { ttlFloorSeconds: 1 },
		expected: { ttlFloorSeconds: 0 },
		fails: [declared],
	},
	{
		name: 'forgets when records expire',
		now: () => 0,
		fails: [
			'a session expires to the millisecond, however short it lives',
			'an update moves the expiry forward, in its last millisecond too',
			'a late update does not revive an expired session',
		],
	},
	{
		name: 'ends sessions a millisecond late',
		now: (now) => now() - 1,
		fails: [
			'a session expires to the millisecond, however short it lives',
			'an update moves the expiry forward, in its last millisecond too',
			'a late update does not revive an expired session',
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
			'an update merges its fields and leaves the rest',
			'an update moves the expiry forward, in its last millisecond too',
			'an id of exactly maxIdBytes works in every method',
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
				async update(id, patch) {
					if (await right.update(id, patch)) return true;
					const record = gone.get(id);
					if (record) revived.set(id, { ...record, ...patch });
					return record !== undefined;
				},
			};
		},
		fails: [
			'an ended session reads as undefined, and a late update does not revive it',
			'an ended session stays ended until it would have expired, and after',
			'a late update does not revive an expired session',
			'a session with a corrupt record can be ended',
			seenElsewhere,
		],
	},
	{
		name: 'makes a session where there is none with an update',
		methods: (right) => ({
			async update(id, patch) {
				if (await right.update(id, patch)) return true;
				const expiresAtMs = patch.expiresAtMs ?? 0;
				await right.create(id, { createdAtMs: 0, ...patch, expiresAtMs });
				return (await right.read(id)) !== undefined;
			},
		}),
		fails: [
			'an update of a session that never was returns false and makes none',
			'an ended session stays ended until it would have expired, and after',
			'a late update does not revive an expired session',
		],
	},
	{
		name: 'takes ids without regard to case',
		methods: (right) => ({
			create: async (id, record) => right.create(lowered(id), record),
			read: async (id) => right.read(lowered(id)),
			update: async (id, patch) => right.update(lowered(id), patch),
			delete: async (id) => right.delete(lowered(id)),
		}),
		fails: ['ids that differ in one character are different sessions, whatever the character'],
	},
	{
		name: 'takes a corrupt record for no session',
		methods: (right) => ({
			read: (id) => right.read(id).catch(undefinedIfCorrupt),
		}),
		fails: ['a corrupt record is refused with a CorruptRecordError and no update mends it'],
	},
	{
		name: 'overwrites a corrupt record with an update',
		methods: (right) => ({
			update: (id, patch) => right.update(id, patch).catch(() => true),
		}),
		fails: [
			'a corrupt record is refused with a CorruptRecordError and no update mends it',
			invalidIds,
			longIds,
		],
	},
	{
		name: 'cannot end a session whose record is corrupt',
		methods: (right) => ({
			async delete(id) {
				await right.read(id);
				await right.delete(id);
			},
		}),
		fails: ['a session with a corrupt record can be ended'],
	},
	{
		name: 'takes shorter ids than it declares',
		capabilities: { maxIdBytes: 1025 },
		fails: [
			'an id of exactly maxIdBytes works in every method',
			'the longest ids are told apart by their last character',
		],
	},
	{
		name: 'takes longer ids than it declares',
		capabilities: { maxIdBytes: 1023 },
		fails: [longIds],
	},
	{
		name: 'cuts long ids off',
		methods: (right) => ({
			create: async (id, record) => right.create(cutOff(id), record),
			read: async (id) => right.read(cutOff(id)),
		}),
		fails: [
			'an id of exactly maxIdBytes works in every method',
			'the longest ids are told apart by their last character',
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
				async update(id, patch) {
					shared.delete(id);
					return right.update(id, patch);
				},
				async read(id) {
					const record = await right.read(id);
					return record && (shared.get(id) ?? record);
				},
			};
		},
		fails: ['nobody shares an object with the store'],
	},
	{
		name: 'is stale for a second where it declares to be strong',
		elsewhere: (store, now) => stale(store, now, 1),
		fails: [seenElsewhere],
	},
	{
		name: 'is stale for longer than it declares',
		capabilities: eventual,
		elsewhere: (store, now) => stale(store, now, 61),
		fails: [seenElsewhere],
	},
	{
		name: 'is shared where it declares to be of one isolate',
		capabilities: { consistency: 'isolate' },
		fails: [seenElsewhere],
	},
	{
		name: 'declares to be eventual and gives no time',
		capabilities: { consistency: 'eventual' },
		fails: [seenElsewhere],
	},
	{
		name: 'throws where it should reject',
		methods: (right) => ({
			read(id) {
				if (typeof id !== 'string' || id === '') throw new TypeError('no id');
				return right.read(id);
			},
		}),
		fails: [invalidIds],
	},
];

/** Reads, gives way and writes the whole record back. */
function overwriting(right: SessionStore): Partial<SessionStore> {
	return {
		async update(id, patch) {
			const record = await right.read(id);
			if (!record) return false;
			await Promise.resolve();
			return right.update(id, { ...record, ...patch });
		},
	};
}

function undefinedIfCorrupt(error: unknown): undefined {
	if (error instanceof Error && error.name === 'CorruptRecordError') return undefined;
	throw error;
}

// Left to the right store where it is no string, which refuses it.
function lowered(id: string): string {
	return typeof id === 'string' ? id.toLowerCase() : id;
}

function cutOff(id: string): string {
	return typeof id === 'string' && id.length <= 1024 ? id.slice(0, 512) : id;
}
