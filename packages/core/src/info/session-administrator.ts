import { TmcpSessionsError } from '../errors.ts';
import { hashText } from '../ids/hash-text.ts';
import type {
	ListSessionsOptions,
	SessionAdministration,
	SessionPage,
} from '../extensions/session-administration.ts';
import type { SessionDirectory } from '../extensions/session-directory.ts';
import type { Principal } from '../principal.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** The sessions that are ended at the same time: Workers open at most six connections. */
const BATCH_SIZE = 6;

/** Ends a session, which would expire at `untilMs` at the latest. */
type EndSession = (id: string, untilMs: number) => Promise<void>;

/** Implements `SessionAdministration` over the directory of a store. */
export class SessionAdministrator implements SessionAdministration {
	readonly #directory: SessionDirectory;
	readonly #end: EndSession;

	constructor(directory: SessionDirectory, end: EndSession) {
		this.#directory = directory;
		this.#end = end;
	}

	async endSessionsOf(principal: Principal | string): Promise<string[]> {
		const owner = await ownerOf(subjectOf(principal));
		const owned = await this.#directory.sessionsOf(owner);
		for (let start = 0; start < owned.length; start += BATCH_SIZE) {
			const batch = owned.slice(start, start + BATCH_SIZE);
			await Promise.all(batch.map(({ id, untilMs }) => this.#end(id, untilMs)));
		}
		const ids = owned.map(({ id }) => id);
		if (ids.length > 0) await this.#directory.removeOwned(owner, ids);
		return ids;
	}

	async listSessions({
		cursor,
		limit = DEFAULT_LIMIT,
	}: ListSessionsOptions = {}): Promise<SessionPage> {
		if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
			throw new TmcpSessionsError(
				'configuration',
				'core',
				`limit must be an integer from 1 to ${MAX_LIMIT}; got ${limit}`,
			);
		}
		const page = await this.#directory.list(cursor, limit);
		const sessions = page.sessions.flatMap(({ id, record }) => {
			const { createdAtMs, expiresAtMs, clientInfo, hasEnded } = record;
			return hasEnded ? [] : [{ id, createdAtMs, expiresAtMs, clientInfo }];
		});
		return { sessions, cursor: page.cursor };
	}
}

/**
 * Returns the owner that a directory stores for a subject: a hash, so that the storage names no user.
 * The sessions of all clients of a subject have the same owner.
 */
export function ownerOf(subject: string): Promise<string> {
	return hashText(`tmcp-sessions owner ${subject}`);
}

/** Returns the subject of a principal. A text is a subject, whatever it looks like. */
function subjectOf(principal: Principal | string): string {
	const subject: unknown = typeof principal === 'object' ? principal?.subject : principal;
	if (typeof subject === 'string' && subject !== '') return subject;
	const found = subject === '' ? 'an empty one' : typeof subject;
	throw new TmcpSessionsError(
		'configuration',
		'core',
		`endSessionsOf needs a principal, or its subject, which is a non-empty string; got ${found}`,
	);
}

/** Creates the error for a cursor that `SessionDirectory.list` has not returned. */
export function invalidCursor(packageName: string): TmcpSessionsError {
	return new TmcpSessionsError(
		'configuration',
		packageName,
		'cursor must be one that listSessions of the same deployment has returned; got another one',
	);
}
