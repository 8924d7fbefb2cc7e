import { missed } from '../aims.ts';
import type { Effort, Part } from '../bench/part.ts';
import { measureSessions } from './measure-sessions.ts';
import type { SessionsEffort } from './measure-sessions.ts';
import { sessionsAims, sessionsText } from './sessions-text.ts';

const efforts: Readonly<Record<Effort, SessionsEffort>> = {
	full: {
		cases: [
			{ sessions: 1, connections: 1 },
			{ sessions: 100, connections: 32 },
		],
		rounds: { least: 5, most: 9 },
		seconds: 1,
		warmUps: 640,
	},
	quick: {
		cases: [
			{ sessions: 1, connections: 1 },
			{ sessions: 5, connections: 2 },
		],
		rounds: { least: 1, most: 1 },
		seconds: 0.05,
		warmUps: 1,
	},
};

/** How fast calls are answered whose session has an object of its own. */
export const sessionsPart: Part = async (effort, onProgress) => {
	const result = await measureSessions(efforts[effort], onProgress);
	return {
		result,
		text: sessionsText(result),
		shortfalls: effort === 'quick' ? [] : missed(sessionsAims(result)),
	};
};
