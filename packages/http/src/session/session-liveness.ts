import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';
import type { IssuedSession, SessionInfo } from '@tmcp-sessions/core/backend';
import { hasSessionExpiry, hasSessionInfo } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { unknownSession } from '../request/http-rejection.ts';
import type { SessionKeepAlive } from './session-keep-alive.ts';
import { storesMutableState } from './stores-mutable-state.ts';

/** By then every store knows of an end that came while a stream opened, Workers KV included. */
const FIRST_CHECK_MS = 70_000;

/** Finds out whether a session is live. Each check costs one read of its record. */
export class SessionLiveness {
	readonly #info: InfoSessionManager;
	/** Whether log levels, subscriptions and the ends of sessions are stored. */
	readonly storesMutableState: boolean;

	constructor(info: InfoSessionManager) {
		this.#info = info;
		this.storesMutableState = storesMutableState(info);
	}

	/**
	 * Returns the metadata of a live session, if the manager returns all of it at once.
	 *
	 * @throws {HttpRejection} 404 if the session has ended or expired.
	 * @throws {StoreError} if the store cannot be reached.
	 */
	async require({ internalId }: IssuedSession): Promise<SessionInfo | undefined> {
		const info = this.#info;
		try {
			// The transport's three reads share this one: none of them fails after it.
			if (hasSessionInfo(info)) {
				const found = await info.getSessionInfo(internalId);
				if (found?.clientCapabilities !== undefined) return found;
			} else if ((await info.getClientCapabilities(internalId)) !== undefined) {
				return undefined;
			}
		} catch (error) {
			// tmcp's own manager rejects with a plain Error for an unknown session.
			if (error instanceof TmcpSessionsError && !OF_THE_SESSION.has(error.code)) throw error;
		}
		throw unknownSession();
	}

	/**
	 * Creates the keep-alive of a stream's session; `undefined` if sessions do not expire here.
	 *
	 * @param find verifies the session's id once more, which may have expired by itself.
	 */
	createKeepAlive(find: () => Promise<IssuedSession | undefined>): SessionKeepAlive | undefined {
		const info = this.#info;
		if (!hasSessionExpiry(info)) return undefined;
		const isLive = async (): Promise<boolean> => {
			const session = await find();
			return session !== undefined && info.keepAlive(session.internalId);
		};
		return { idleMs: info.idleMs, firstCheckMs: FIRST_CHECK_MS, isLive };
	}
}

const OF_THE_SESSION: ReadonlySet<ErrorCode> = new Set([
	'corrupt-record',
	'invalid-session-id',
	'unknown-session',
]);
