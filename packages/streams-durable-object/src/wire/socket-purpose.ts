import { fnv1a } from '@tmcp-sessions/core/internal';
import type { SubscriptionFilter } from 'tmcp';

/**
 * What a Worker's socket to the object is for: the stream of a session (GET), an inbox of a request
 * at work for a session, or a listener of the stateless era (`subscriptions/listen`). It travels in
 * the address of the upgrade request.
 */
export type SocketPurpose =
	/** `session` is the id, URI encoded: it goes into a tag of the object. */
	{ readonly role: 'inbox'; readonly session: string } | StreamPurpose | SubscriptionPurpose;

/** The stream of a session. */
export interface StreamPurpose {
	readonly role: 'stream';
	/** URI encoded. */
	readonly session: string;
	/** What its client saw last, where it resumes a stream. */
	readonly lastEventId?: string | undefined;
	/** Of a stream that lost its socket: the rank that it had, as `RANK_HEADER` told it. */
	readonly rank?: number | undefined;
}

/** A listener of the stateless era. */
export interface SubscriptionPurpose {
	readonly role: 'listener';
	readonly kinds: readonly ChangeKind[];
	/** Hashes of the uris whose updates it asked for; none where they are too many: then of any. */
	readonly uris?: readonly number[] | undefined;
	/** A hash of whom it is for, who may have so many and no more. */
	readonly owner?: string | undefined;
}

/** Tells a stream its rank among all that resumed the same one: the highest is its client's. */
export const RANK_HEADER = 'Sync-Layer-Rank';

/** Tells a stream how many of the messages that come first are replayed. */
export const REPLAYED_HEADER = 'Sync-Layer-Replayed';

/** Why the object closes a stream's socket for good; upon any other code the Worker reconnects. */
export const FINAL_CODES = {
	/** The session was ended. */
	sessionEnded: 4000,
	/** The call that the stream resumed has its answer. */
	callComplete: 4001,
	/** Another socket has taken the place of this one. */
	replaced: 4002,
	/** Its session has opened too many streams, of which this was the oldest. */
	tooMany: 4003,
} as const;

/**
 * The most uris of a listener that the object is told of: the address of a request has at most 16 KB.
 * https://developers.cloudflare.com/workers/platform/limits/#request-and-response-limits
 */
const MAX_LISTENED_URIS = 1_000;

/** Longer ones are nobody's: they are cut, and so stay nobody's. */
const MAX_EVENT_ID = 256;

/** The kinds of change that a listener can ask for. */
export type ChangeKind = 'tools' | 'prompts' | 'resources' | 'updates';

/**
 * The longest session id that has streams and inboxes, in bytes when URI encoded: an object's tag holds 256.
 * https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket
 */
export const MAX_SESSION_BYTES = 240;

const FITS_A_TAG = new RegExp(`^[\\x21-\\x7e]{1,${MAX_SESSION_BYTES}}$`);

const KIND_BY_METHOD: ReadonlyMap<string, ChangeKind> = new Map([
	['notifications/tools/list_changed', 'tools'],
	['notifications/prompts/list_changed', 'prompts'],
	['notifications/resources/list_changed', 'resources'],
	['notifications/resources/updated', 'updates'],
]);
const KINDS: ReadonlySet<string> = new Set(KIND_BY_METHOD.values());

/** The kind of change that a notification tells, where it tells one. */
export function kindOf(method: string): ChangeKind | undefined {
	return KIND_BY_METHOD.get(method);
}

/** The kinds of change that a listener's filters let through. */
export function kindsOf(filters: SubscriptionFilter): ChangeKind[] {
	const kinds: ChangeKind[] = [];
	if (filters.toolsListChanged) kinds.push('tools');
	if (filters.promptsListChanged) kinds.push('prompts');
	if (filters.resourcesListChanged) kinds.push('resources');
	if (filters.resourceSubscriptions?.length) kinds.push('updates');
	return kinds;
}

/** Hashes of the uris that a listener asked for; none where they are too many. */
export function urisOf({
	resourceSubscriptions: uris = [],
}: SubscriptionFilter): number[] | undefined {
	const hashes = new Set(uris.map(fnv1a));
	return hashes.size <= MAX_LISTENED_URIS ? [...hashes] : undefined;
}

/** The address that an upgrade request for this purpose goes to. Ids are data: they are escaped. */
export function addressOf(purpose: SocketPurpose): string {
	const query = new URLSearchParams({ role: purpose.role });
	if (purpose.role === 'listener') {
		for (const kind of purpose.kinds) query.append('kind', kind);
		if (purpose.uris) query.set('uris', purpose.uris.map((hash) => hash.toString(36)).join('.'));
		if (purpose.owner) query.set('owner', purpose.owner);
	} else query.set('session', purpose.session);
	if (purpose.role === 'stream') {
		if (purpose.lastEventId) query.set('last', purpose.lastEventId.slice(0, MAX_EVENT_ID));
		if (purpose.rank !== undefined) query.set('rank', `${purpose.rank}`);
	}
	return `https://sync-layer.invalid/?${query.toString()}`;
}

/** What an address asks for, or undefined where it names no purpose. */
export function purposeOf(address: string): SocketPurpose | undefined {
	const query = new URL(address).searchParams;
	const role = query.get('role');
	if (role === 'listener') {
		const kinds = new Set(query.getAll('kind').filter(isKind));
		const owner = query.get('owner') ?? undefined;
		return { role, kinds: [...kinds], uris: hashesOf(query.get('uris')), owner };
	}
	if (role !== 'stream' && role !== 'inbox') return undefined;
	const session = query.get('session') ?? '';
	if (!FITS_A_TAG.test(session)) return undefined;
	if (role === 'inbox') return { role, session };
	const rank = Number(query.get('rank') ?? Number.NaN);
	return {
		role,
		session,
		lastEventId: query.get('last') ?? undefined,
		rank: Number.isSafeInteger(rank) ? rank : undefined,
	};
}

/** None where they cannot be read: then the listener is told of every update. */
function hashesOf(uris: string | null): number[] | undefined {
	const hashes = uris?.split('.').map((hash) => Number.parseInt(hash, 36)) ?? [];
	const areHashes = hashes.length <= MAX_LISTENED_URIS && hashes.every(Number.isSafeInteger);
	return hashes.length > 0 && areHashes ? hashes : undefined;
}

function isKind(kind: string): kind is ChangeKind {
	return KINDS.has(kind);
}
