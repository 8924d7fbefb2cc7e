import { StoreError } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';

import type { RequestContext } from '../request/request-context.ts';

/**
 * After so much of its idle time a session is looked at again, and at the latest after 18 hours:
 * each time costs what a use does, a read and the write that moves the session's end.
 */
const PART_OF_IDLE_TIME = 3 / 4;
const MOST_MS = 18 * 60 * 60 * 1_000;
/** Where nobody could say, it is asked again a few times before the session's time is over. */
const RETRY_PART_OF_IDLE_TIME = 1 / 24;

/** How the session of a stream is looked after. */
export interface SessionKeepAlive {
	/** How long the session lives without use, in milliseconds. */
	readonly idleMs: number;
	/** When it is looked at for the first time, if that is sooner than for want of use. */
	readonly firstLookMs?: number | undefined;
	/** Whether it lives. To ask is a use. Rejects where nobody can say. */
	isLive(): Promise<boolean>;
}

/**
 * Looks at the session of a stream while that is open: a client may listen for days and ask for
 * nothing, and a stream that was opened while its session was being ended is told of no end.
 *
 * @param onEnded told once, where the session is found ended or expired.
 * @returns stops it.
 */
export function keepSessionAlive(work: RequestContext, onEnded: () => void): () => void {
	const { watch } = work;
	if (!watch) return () => {};
	const everyMs = Math.min(watch.idleMs * PART_OF_IDLE_TIME, MOST_MS);
	let timer: ReturnType<typeof setTimeout> | undefined;
	let isStopped = false;
	const look = async (): Promise<void> => {
		// In the scope of the request what it has read once is known for good.
		const scope = { waitUntil: (late: Promise<unknown>) => work.waitUntil(late) };
		let isLive: boolean | undefined;
		try {
			isLive = await runInScope(scope, () => watch.isLive());
		} catch (error) {
			// The info manager has told of its store.
			if (!(error instanceof StoreError)) work.report(error);
		}
		if (isStopped) return;
		if (isLive === false) onEnded();
		else lookIn(isLive ? everyMs : watch.idleMs * RETRY_PART_OF_IDLE_TIME);
	};
	const lookIn = (ms: number): void => {
		timer = setTimeout(() => work.waitUntil(look()), ms);
	};
	lookIn(Math.min(watch.firstLookMs ?? everyMs, everyMs));
	return () => {
		isStopped = true;
		clearTimeout(timer);
	};
}
