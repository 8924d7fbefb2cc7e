import { setTimeout as delay } from 'node:timers/promises';
import { withContender } from './counted-contender.ts';
import type { CountedContender, CountedRun } from './counted-contender.ts';
import { addCounts } from './operation-counts.ts';
import type { OperationCounts } from './operation-counts.ts';

/** What a `session-object` does of itself. */
export const IDLE_DAY = 'a day with an idle stream';
/** What `http` does for a session whose client only listens. */
export const LOOK = 'a look at the session of an idle stream';

/** How long a day takes where that of an idle session is counted, in seconds: the object goes to sleep. */
const SHORT_DAY = 15;
/** After three quarters of this the session is looked at. */
const SHORT_IDLE_SECONDS = 20;
/** What is counted when it begins goes on for a moment. */
const SETTLING_MS = 1_000;

/** What a day of a session costs that nobody uses and whose stream is open, where a day is short. */
export function countIdleDay(): Promise<OperationCounts> {
	const vars = { IDLE_SECONDS: String(SHORT_DAY) };
	return withContender('session-object', { vars }, async (run) => {
		await run.client.openStream(await run.client.open());
		const isAlarm = ({ objectAlarms = 0 }: OperationCounts): boolean => objectAlarms > 0;
		// The first has still to do with the opening; what that puts off may make another one short.
		await countUntil(run, isAlarm);
		for (;;) {
			const beganMs = performance.now();
			const counts = await countUntil(run, isAlarm);
			if (performance.now() - beganMs > (SHORT_DAY - 2) * 1_000) return counts;
		}
	});
}

/** What it costs that the session of an idle stream is looked at. */
export function countLook(name: CountedContender): Promise<OperationCounts> {
	const vars = { IDLE_SECONDS: String(SHORT_IDLE_SECONDS) };
	return withContender(name, { vars, keepObjects: true }, async (run) => {
		await run.client.openStream(await run.client.open());
		await delay(SETTLING_MS);
		await run.takeCounts();
		return countUntil(run, (counts) => Object.keys(counts).length > 0);
	});
}

/** Counts until it has come to something, and what belongs to that. */
async function countUntil(
	{ takeCounts }: CountedRun,
	isEnough: (counts: OperationCounts) => boolean,
): Promise<OperationCounts> {
	let counts: OperationCounts = {};
	while (!isEnough(counts)) {
		await delay(SETTLING_MS);
		counts = addCounts(counts, await takeCounts());
	}
	await delay(SETTLING_MS);
	return addCounts(counts, await takeCounts());
}
