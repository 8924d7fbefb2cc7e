import { isChangeKind, MAX_URI_HASHES } from './change-kind.ts';
import type { ChangeKind } from './change-kind.ts';
import { MAX_SESSION_ID_BYTES } from './limits.ts';
import { parseNumber } from './parse-number.ts';
import type { StreamPlace } from './stream-messages.ts';
import { versionProblem } from './version.ts';

/** The purpose of a Worker's socket to the object, sent in the URL of the upgrade request. */
export type SocketPurpose = InboxPurpose | StreamPurpose | SubscriptionPurpose;

/** The purpose of a socket that a later release opens. */
interface UnsupportedPurpose {
	readonly role: 'unsupported';
	readonly problem: string;
}

/** An inbox of a request that is in flight for a session. */
export interface InboxPurpose {
	readonly role: 'inbox';
	/** URI encoded: it becomes part of a tag. */
	readonly session: string;
	/** The resumable stream of the request. */
	readonly call?: string | undefined;
	/** A hash of the client, whose inboxes are bounded. */
	readonly client?: string | undefined;
}

/** The stream of a session, opened by a GET request. */
export interface StreamPurpose {
	readonly role: 'stream';
	/** URI encoded: it becomes part of a tag. */
	readonly session: string;
	/** A hash of the client, whose streams are bounded. */
	readonly client?: string | undefined;
	/** The last event that the client received, if it resumes a stream. */
	readonly lastEventId?: string | undefined;
	/** The rank from `RANK_HEADER`, if the stream has lost its socket and reconnects. */
	readonly rank?: number | undefined;
	/** Where the Worker has the stream, if it accepts its messages on other sockets too. */
	readonly place?: StreamPlace | undefined;
	/** Whether other streams of the group may share its socket. */
	readonly isShared?: boolean | undefined;
	/** The member whose socket the stream shares. It opens none. */
	readonly via?: number | undefined;
}

/** A subscription of the stateless era (`subscriptions/listen`). */
export interface SubscriptionPurpose {
	readonly role: 'subscription';
	readonly kinds: readonly ChangeKind[];
	/** Hashes of the URIs to filter updates by. `undefined` selects all updates. */
	readonly uris?: readonly number[] | undefined;
	/** A hash of the client, whose subscriptions are bounded. */
	readonly client?: string | undefined;
}

/** The parameter for the hash of the client. It was the principal's before clients had one. */
const CLIENT = 'principal';

/** No event id is longer: that of a call holds the id of its request. A longer one is cut, and unknown. */
const MAX_EVENT_ID_LENGTH = 1_500;

const GROUP = /^[\w.-]{1,64}$/;

const FITS_INTO_TAG = new RegExp(`^[\\x21-\\x7e]{1,${MAX_SESSION_ID_BYTES}}$`);

/** Returns the URL of the upgrade request. Ids are untrusted input, and are escaped. */
export function formatPurpose(purpose: SocketPurpose): string {
	const query = new URLSearchParams({ role: purpose.role });
	if (purpose.role === 'subscription') {
		for (const kind of purpose.kinds) query.append('kind', kind);
		if (purpose.uris) query.set('uris', purpose.uris.map((hash) => hash.toString(36)).join('.'));
	} else query.set('session', purpose.session);
	if (purpose.role === 'inbox' && purpose.call !== undefined) query.set('call', purpose.call);
	if (purpose.client) query.set(CLIENT, purpose.client);
	if (purpose.role === 'stream') {
		const { lastEventId, rank, place, isShared, via } = purpose;
		if (lastEventId) query.set('last', lastEventId.slice(0, MAX_EVENT_ID_LENGTH));
		if (rank !== undefined) query.set('rank', `${rank}`);
		if (place) {
			query.set('group', place.group);
			query.set('member', `${place.member}`);
			if (isShared) query.set('shared', '1');
			if (via !== undefined) query.set('via', `${via}`);
		}
	}
	return `https://sync-layer.invalid/?${query.toString()}`;
}

/** Returns the purpose in the URL of an upgrade request, or `undefined` if it is invalid. */
export function parsePurpose(url: string): SocketPurpose | UnsupportedPurpose | undefined {
	const query = new URL(url).searchParams;
	const problem = versionProblem(Number(query.get('version') ?? 1));
	if (problem) return { role: 'unsupported', problem };
	const role = query.get('role');
	const client = query.get(CLIENT) ?? undefined;
	if (role === 'subscription') {
		const kinds = new Set(query.getAll('kind').filter(isChangeKind));
		return { role, kinds: [...kinds], uris: parseHashes(query.get('uris')), client };
	}
	if (role !== 'stream' && role !== 'inbox') return undefined;
	const session = query.get('session') ?? '';
	if (!FITS_INTO_TAG.test(session)) return undefined;
	if (role === 'inbox') return { role, session, client, call: query.get('call') ?? undefined };
	return {
		role,
		session,
		client,
		lastEventId: query.get('last') ?? undefined,
		rank: parseNumber(query.get('rank')),
		place: parsePlace(query.get('group'), query.get('member')),
		isShared: query.has('shared'),
		via: parseNumber(query.get('via')),
	};
}

function parsePlace(group: string | null, member: string | null): StreamPlace | undefined {
	const number = parseNumber(member);
	const isValid = group !== null && GROUP.test(group) && number !== undefined;
	return isValid ? { group, member: number } : undefined;
}

/** Returns `undefined` for invalid hashes, which selects all updates. */
function parseHashes(uris: string | null): number[] | undefined {
	const hashes = uris?.split('.').map((hash) => Number.parseInt(hash, 36)) ?? [];
	const areHashes = hashes.length <= MAX_URI_HASHES && hashes.every(Number.isSafeInteger);
	return hashes.length > 0 && areHashes ? hashes : undefined;
}
