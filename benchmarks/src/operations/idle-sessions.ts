import { setTimeout as delay } from 'node:timers/promises';
import { withContender } from './counted-contender.ts';
import type { CountedContender, CountedRun } from './counted-contender.ts';
import { addCounts } from './operation-counts.ts';
import type { OperationCounts } from './operation-counts.ts';

/** The kind of what a `session-object` does by itself in a day. */
export const IDLE_DAY = 'one day of an idle stream';
/** The kind of what `http` does for a session whose client only listens. */
export const KEEP_ALIVE = "keep-alive of an idle stream's session";

/** The idle time that stands for a day, in seconds: long enough for the object to hibernate. */
const SHORT_DAY = 15;
/** `http` extends the session after three quarters of this. */
const SHORT_IDLE_SECONDS = 20;
/** The time that operations take to end after the first one was counted. */
const SETTLING_MS = 1_000;

/** Counts one day of an unused session with an open stream, with a shortened day. */
export function countIdleDay(): Promise<OperationCounts> {
	const vars = { IDLE_SECONDS: String(SHORT_DAY) };
	return withContender('session-object', { vars }, async (run) => {
		await run.client.openStream(await run.client.open());
		const hasAlarm = ({ objectAlarms = 0 }: OperationCounts): boolean => objectAlarms > 0;
		// The first alarm still belongs to the opening; the entries that it defers can shorten the next.
		await countUntil(run, hasAlarm);
		for (;;) {
			const startMs = performance.now();
			const counts = await countUntil(run, hasAlarm);
			if (performance.now() - startMs > (SHORT_DAY - 2) * 1_000) return counts;
		}
	});
}

/** Counts one keep-alive of a session whose stream is idle. */
export function countKeepAlive(name: CountedContender): Promise<OperationCounts> {
	const vars = { IDLE_SECONDS: String(SHORT_IDLE_SECONDS) };
	return withContender(name, { vars, keepObjects: true }, async (run) => {
		await run.client.openStream(await run.client.open());
		await delay(SETTLING_MS);
		await run.takeCounts();
		return countUntil(run, (counts) => Object.keys(counts).length > 0);
	});
}

/** Counts until a condition holds, and then for as long as the operations need to end. */
async function countUntil(
	{ takeCounts }: CountedRun,
	holds: (counts: OperationCounts) => boolean,
): Promise<OperationCounts> {
	let counts: OperationCounts = {};
	while (!holds(counts)) {
		await delay(SETTLING_MS);
		counts = addCounts(counts, await takeCounts());
	}
	await delay(SETTLING_MS);
	return addCounts(counts, await takeCounts());
}
