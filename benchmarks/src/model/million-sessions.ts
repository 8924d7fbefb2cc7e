import { dollarsForAMillion } from '../comparison/prices.ts';
import type { StreamCosts } from '../growth/measure-streams.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Memory } from '../memory/measure-memory.ts';
import type { Operations } from '../operations/count-operations.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { platformLimits } from './platform-limits.ts';

/** What the model is made of besides the limits: what was counted and measured. */
export interface ModelInput {
	readonly operations: Operations;
	readonly memory: Memory;
	readonly streams: StreamCosts;
}

/** The load. */
const SESSIONS = 1_000_000;
const CALLS_OF_A_SESSION_A_MINUTE = 1;
const UPDATES_A_SECOND = 100;
const SUBSCRIBERS_OF_AN_UPDATE = 10;
const BROADCASTS_A_MINUTE = 1;
const SECONDS_A_MONTH = 2_628_000;
/** Half of a limit is kept free, for what is uneven and for clients that all come back at once. */
const SHARE_OF_A_LIMIT = 0.5;

/** How many objects a million open sessions take, and why. */
export function millionSessions({ operations, memory, streams }: ModelInput): string {
	const { requestsOfObject, socketsOfObject, bytesOfObject } = platformLimits;
	const callsASecond = (SESSIONS * CALLS_OF_A_SESSION_A_MINUTE) / 60;
	const most = streams.ours.at(-1);
	const measuredStreams = most?.streams ?? NaN;
	const msForEach = (most?.toAllMs ?? NaN) / measuredStreams;
	const requests = requestsOfObject.value * SHARE_OF_A_LIMIT;
	const bySockets = SESSIONS / (socketsOfObject.value * SHARE_OF_A_LIMIT);
	const byMeasured = SESSIONS / measuredStreams;
	const byPublishes = (UPDATES_A_SECOND * SUBSCRIBERS_OF_AN_UPDATE) / requests;
	const shardRequests = objectRequests(countsOf(operations, 'ours-object')) * callsASecond;
	const bytes = (memory.databaseBytes['ours-object']?.session ?? NaN) * SESSIONS;
	const rows = [
		[
			'objects with streams, by sockets',
			amount(bySockets),
			`${socketsOfObject.value.toLocaleString('en')} each, half of it`,
		],
		[
			'by what was measured',
			amount(byMeasured),
			`${measuredStreams.toLocaleString('en')} each; a broadcast takes one of them ${(msForEach * measuredStreams).toFixed(0)} ms`,
		],
		[
			'by publishes to some',
			amount(byPublishes),
			`${UPDATES_A_SECOND} updates a second for ${SUBSCRIBERS_OF_AN_UPDATE} sessions, each in another object`,
		],
		[
			'objects with sessions, by requests',
			amount(shardRequests / requests),
			`${Math.round(shardRequests).toLocaleString('en')} a second, ${requests} each`,
		],
		[
			'by bytes',
			amount(bytes / (bytesOfObject.value * SHARE_OF_A_LIMIT)),
			`${(bytes / 1e9).toFixed(1)} GB in all`,
		],
	];
	const table = markdownTable(['what', 'objects', 'because'], rows);
	const limits = Object.values(platformLimits).map(
		({ value, says, source }) => `- [${value.toLocaleString('en')} ${says}](${source})`,
	);
	return [
		limits.join('\n'),
		`The load: ${SESSIONS.toLocaleString('en')} sessions, each with a stream and a call a minute (${Math.round(callsASecond).toLocaleString('en')} a second), ${UPDATES_A_SECOND} resource updates a second for ${SUBSCRIBERS_OF_AN_UPDATE} subscribers each, and a message to all each minute. Half of each limit is kept free.`,
		table,
		`A message to all is ${amount(byMeasured)} requests, one for each object with streams, every ${60 / BROADCASTS_A_MINUTE} s. The calls of a month ask storage for ${monthly(operations, 'ours-http', callsASecond)} with KV, ${monthly(operations, 'ours-object', callsASecond)} with Durable Objects, and would for ${monthly(operations, 'upstream', callsASecond)} with upstream.`,
	].join('\n\n');
}

function countsOf(operations: Operations, name: keyof Operations): OperationCounts {
	return operations[name]['tools/call, session era'] ?? {};
}

/** What one call asks of objects. */
function objectRequests({ shardReads = 0, shardWrites = 0 }: OperationCounts): number {
	return shardReads + shardWrites;
}

function monthly(operations: Operations, name: keyof Operations, callsASecond: number): string {
	const millions = (callsASecond * SECONDS_A_MONTH) / 1e6;
	const dollars = dollarsForAMillion(countsOf(operations, name)) * millions;
	return `$${(Math.round(dollars / 100) * 100).toLocaleString('en')}`;
}

function amount(objects: number): string {
	return Math.max(1, Math.ceil(objects)).toLocaleString('en');
}
