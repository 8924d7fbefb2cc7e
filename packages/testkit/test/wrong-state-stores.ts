import type { StateStore } from '@tmcp-sessions/core/backend';

/** A state store with one fault, and the cases that must fail. */
export interface WrongStateStore {
	readonly name: string;
	methods(right: StateStore): Partial<StateStore>;
	readonly fails: readonly string[];
}

const exact = 'stores exactly the text of each id';
const replaces = 'replaces a text of the current version, and gives it another version';
const versions = 'changes nothing if the version differs';
const concurrent = 'loses none of 20 concurrent changes from two isolates';
const removed = 'returns a removed text once, and stores no other one after it';
const unknown = 'remembers the end of an unknown id';
const once = 'returns a removed text to one of 10 concurrent callers';
const expires = 'removes a text and the mark of an end when they expire, and not before';
const extended = 'moves an expiry to a later time only, and stores nothing for an unknown id';
const long = 'stores long texts of characters of several bytes';
const ids = 'accepts ids up to its limit, and rejects other values as invalid ids';

const isFound = (found: Awaited<ReturnType<StateStore['read']>>): boolean =>
	found !== undefined && found !== 'ended';

async function currentVersion(store: StateStore, id: string): Promise<string | undefined> {
	const found = await store.read(id);
	return found === 'ended' ? undefined : found?.version;
}

/** Writes whatever is stored, unless that has ended. */
async function overwrite(
	right: StateStore,
	...[id, text, , untilMs]: Parameters<StateStore['write']>
): Promise<boolean> {
	for (;;) {
		if ((await right.read(id)) === 'ended') return false;
		if (await right.write(id, text, await currentVersion(right, id), untilMs)) return true;
	}
}

/** Each declares the capabilities of a correct store in memory. */
export const wrongStateStores: readonly WrongStateStore[] = [
	{
		name: 'declares another consistency',
		methods: ({ capabilities }) => ({
			capabilities: { ...capabilities, consistency: 'strong' },
		}),
		fails: ['declares the expected capabilities'],
	},
	{
		name: 'ignores the version of a write',
		methods: (right) => ({
			write: (...args) => overwrite(right, ...args),
		}),
		fails: [versions, concurrent],
	},
	{
		name: 'compares the version before it writes, in two steps',
		methods: (right) => ({
			async write(id, text, version, untilMs) {
				if ((await currentVersion(right, id)) !== version) return false;
				await new Promise((resolve) => setTimeout(resolve, 1));
				return right.write(id, text, await currentVersion(right, id), untilMs);
			},
		}),
		fails: [concurrent],
	},
	{
		name: 'keeps its version',
		methods: (right) => ({
			async read(id) {
				const found = await right.read(id);
				return found === undefined || found === 'ended' ? found : { ...found, version: '1' };
			},
			async write(id, text, version, untilMs) {
				const found = await currentVersion(right, id);
				if ((found === undefined) !== (version === undefined)) return false;
				return overwrite(right, id, text, version, untilMs);
			},
		}),
		fails: [replaces, versions, concurrent],
	},
	{
		name: 'parses its texts',
		methods: (right) => ({
			async read(id) {
				const found = await right.read(id);
				if (found === undefined || found === 'ended') return found;
				return { ...found, text: JSON.stringify(JSON.parse(found.text)) };
			},
		}),
		fails: [exact],
	},
	{
		name: 'takes the text "ended" for an end',
		methods: (right) => ({
			async read(id) {
				const found = await right.read(id);
				if (found === undefined || found === 'ended') return found;
				return found.text === '"ended"' ? 'ended' : found;
			},
		}),
		fails: [exact],
	},
	{
		name: 'truncates ids',
		methods: (right) => ({
			read: (id) => right.read(id.slice(0, 40)),
			write: (id, text, version, untilMs) => right.write(id.slice(0, 40), text, version, untilMs),
		}),
		fails: [exact, versions, expires, extended, ids],
	},
	{
		name: 'forgets an end',
		methods: (right) => {
			const ended = new Set<string>();
			return {
				async read(id) {
					return ended.has(id) ? undefined : right.read(id);
				},
				async end(id, untilMs) {
					ended.add(id);
					return right.end(id, untilMs);
				},
			};
		},
		fails: [removed, unknown, expires],
	},
	{
		name: 'remembers the end of known ids only',
		methods: (right) => ({
			async end(id, untilMs) {
				return isFound(await right.read(id)) ? right.end(id, untilMs) : undefined;
			},
		}),
		fails: [unknown],
	},
	{
		name: 'returns a removed text to every caller',
		methods: (right) => {
			const texts = new Map<string, string>();
			return {
				async end(id, untilMs) {
					const text = await right.end(id, untilMs);
					if (text !== undefined) texts.set(id, text);
					return texts.get(id);
				},
			};
		},
		fails: [removed, once],
	},
	{
		name: 'removes a text in two steps',
		methods: (right) => ({
			async end(id, untilMs) {
				const found = await right.read(id);
				await right.end(id, untilMs);
				return found === undefined || found === 'ended' ? undefined : found.text;
			},
		}),
		fails: [once],
	},
	{
		name: 'never removes a text',
		methods: (right) => ({
			write: (id, text, version) => right.write(id, text, version, Number.MAX_SAFE_INTEGER),
		}),
		fails: [expires, extended],
	},
	{
		name: 'removes a text too early',
		methods: (right) => ({
			write: (id, text, version, untilMs) => right.write(id, text, version, untilMs - 600_000),
		}),
		fails: [expires],
	},
	{
		name: 'forgets an end too early',
		methods: (right) => ({
			end: (id, untilMs) => right.end(id, untilMs - 2_000_000),
		}),
		fails: [expires],
	},
	{
		name: 'ignores an extension',
		methods: () => ({ async extend() {} }),
		fails: [extended],
	},
	{
		name: 'stores the extension of an unknown id',
		methods: (right) => ({
			async extend(id, untilMs) {
				if ((await right.read(id)) === undefined) await right.write(id, '{}', undefined, untilMs);
				else await right.extend(id, untilMs);
			},
		}),
		fails: [extended],
	},
	{
		name: 'cuts long texts',
		methods: (right) => ({
			write: (id, text, version, untilMs) =>
				right.write(id, text.slice(0, 100_000), version, untilMs),
		}),
		fails: [long],
	},
	{
		name: 'accepts every id',
		methods: (right) => {
			const known = (id: string): string => (id === '' ? 'empty' : id.slice(-500).toWellFormed());
			return {
				read: (id) => right.read(known(id)),
				write: (id, text, version, untilMs) => right.write(known(id), text, version, untilMs),
				end: (id, untilMs) => right.end(known(id), untilMs),
			};
		},
		fails: [ids],
	},
];
