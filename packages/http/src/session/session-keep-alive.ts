import { StoreError } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';

import type { RequestContext } from '../request/request-context.ts';

/**
 * A session is checked after this part of its idle time, and at the latest after 18 hours. Each check
 * costs what a use does: a read, and the write that moves the expiry.
 */
const PART_OF_IDLE_TIME = 3 / 4;
const MAX_INTERVAL_MS = 18 * 60 * 60 * 1_000;
/** After a check that failed, the next follows a few times before the session expires. */
const RETRY_PART_OF_IDLE_TIME = 1 / 24;

/** How the session of an open stream is kept alive. */
export interface SessionKeepAlive {
	/** How long the session lives without use, in milliseconds. */
	readonly idleMs: number;
	/** When the session is first checked, if that is sooner than its idle time requires. */
	readonly firstCheckMs?: number | undefined;
	/** Whether the session is live. Extends its expiry. Rejects if the read or the write fails. */
	isLive(): Promise<boolean>;
}

/**
 * Checks the session of a stream while the stream is open. A client may listen for days without a
 * request, and a stream that opened while its session was ending hears of no end.
 *
 * @param onEnded called once, when the session has ended or expired.
 * @returns stops the checks.
 */
export function keepSessionAlive(
	context: RequestContext,
	session: SessionKeepAlive,
	onEnded: () => void,
): () => void {
	const intervalMs = Math.min(session.idleMs * PART_OF_IDLE_TIME, MAX_INTERVAL_MS);
	let timer: ReturnType<typeof setTimeout> | undefined;
	let isStopped = false;
	const check = async (): Promise<void> => {
		// The request's own scope caches reads.
		const scope = { waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise) };
		let isLive: boolean | undefined;
		try {
			isLive = await runInScope(scope, () => session.isLive());
		} catch (error) {
			// The info manager has reported an error of its store.
			if (!(error instanceof StoreError)) context.report(error);
		}
		if (isStopped) return;
		if (isLive === false) onEnded();
		else checkIn(isLive ? intervalMs : session.idleMs * RETRY_PART_OF_IDLE_TIME);
	};
	const checkIn = (ms: number): void => {
		timer = setTimeout(() => context.waitUntil(check()), ms);
	};
	checkIn(Math.min(session.firstCheckMs ?? intervalMs, intervalMs));
	return () => {
		isStopped = true;
		clearTimeout(timer);
	};
}
