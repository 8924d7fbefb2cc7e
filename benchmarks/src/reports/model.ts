import type { Memory } from '../measurements/memory.ts';
import type { StreamCosts } from '../measurements/streams.ts';
import { SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { table } from './markdown.ts';
import { dollarsPerMillion } from './prices.ts';

/** The counted and measured sources of the model. */
export interface ModelInput {
	readonly operations: Operations;
	readonly memory: Memory;
	readonly streams: StreamCosts;
}

interface Limit {
	readonly value: number;
	readonly text: string;
	readonly source: string;
}

/** Cloudflare's limits as of November 2026. */
const limits = {
	requestsPerObject: {
		value: 1_000,
		text: 'requests a second to one object, a soft limit',
		source: 'https://developers.cloudflare.com/durable-objects/platform/limits/',
	},
	socketsPerObject: {
		value: 32_768,
		text: 'hibernating WebSockets of one object, fewer if CPU or memory run out',
		source: 'https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket',
	},
	bytesPerObject: {
		value: 10e9,
		text: 'bytes stored in one object',
		source: 'https://developers.cloudflare.com/durable-objects/platform/limits/',
	},
	writesPerKey: {
		value: 1,
		text: 'write a second to one key of KV; reads and other keys have no limit',
		source: 'https://developers.cloudflare.com/kv/platform/limits/',
	},
} as const satisfies Record<string, Limit>;

const SESSIONS = 1_000_000;
const CALLS_PER_SESSION_AND_MINUTE = 1;
const UPDATES_PER_SECOND = 100;
const SUBSCRIBERS_PER_UPDATE = 10;
const BROADCASTS_PER_MINUTE = 1;
const SECONDS_PER_MONTH = 2_628_000;
/** The usable share of a limit: the rest is for uneven load and for clients that all reconnect at once. */
const USABLE_SHARE = 0.5;

/** Computes how many objects a million open sessions need. */
export function millionSessions({ operations, memory, streams }: ModelInput): string {
	const { requestsPerObject, socketsPerObject, bytesPerObject } = limits;
	const callsPerSecond = (SESSIONS * CALLS_PER_SESSION_AND_MINUTE) / 60;
	const most = streams.ours.at(-1);
	const measuredStreams = most?.streams ?? NaN;
	const requests = requestsPerObject.value * USABLE_SHARE;
	const byMeasurement = SESSIONS / measuredStreams;
	const shardRequests = countShardRequests(callCounts(operations, 'ours-object')) * callsPerSecond;
	const bytes = (memory.databaseBytes['ours-object']?.session ?? NaN) * SESSIONS;
	const rows = [
		[
			'objects with streams, by sockets',
			formatObjects(SESSIONS / (socketsPerObject.value * USABLE_SHARE)),
			`${socketsPerObject.value.toLocaleString('en')} each, half of it`,
		],
		[
			'by the measurement',
			formatObjects(byMeasurement),
			`${measuredStreams.toLocaleString('en')} each; a broadcast takes one of them ${(most?.toAllMs ?? NaN).toFixed(0)} ms`,
		],
		[
			'by updates',
			formatObjects((UPDATES_PER_SECOND * SUBSCRIBERS_PER_UPDATE) / requests),
			`${UPDATES_PER_SECOND} updates a second for ${SUBSCRIBERS_PER_UPDATE} sessions, each in another object`,
		],
		[
			'objects with sessions, by requests',
			formatObjects(shardRequests / requests),
			`${Math.round(shardRequests).toLocaleString('en')} a second, ${requests} each`,
		],
		[
			'by bytes',
			formatObjects(bytes / (bytesPerObject.value * USABLE_SHARE)),
			`${(bytes / 1e9).toFixed(1)} GB in all`,
		],
	];
	const list = Object.values(limits).map(
		({ value, text, source }) => `- [${value.toLocaleString('en')} ${text}](${source})`,
	);
	const monthly = (name: keyof Operations): string =>
		formatMonthlyPrice(callCounts(operations, name), callsPerSecond);
	return [
		list.join('\n'),
		`The load: ${SESSIONS.toLocaleString('en')} sessions, each with a stream and a call a minute (${Math.round(callsPerSecond).toLocaleString('en')} a second), ${UPDATES_PER_SECOND} resource updates a second for ${SUBSCRIBERS_PER_UPDATE} subscribers each, and a message to all each minute. Half of each limit is kept free.`,
		table(['what', 'objects', 'because'], rows),
		`A message to all is ${formatObjects(byMeasurement)} requests, one for each object with streams, every ${60 / BROADCASTS_PER_MINUTE} s. The storage operations of a month's calls cost ${monthly('ours-http')} with KV, ${monthly('ours-object')} with Durable Objects, and would cost ${monthly('upstream')} with upstream.`,
	].join('\n\n');
}

function callCounts(operations: Operations, name: keyof Operations): OperationCounts {
	return operations[name][SESSION_CALL] ?? {};
}

function countShardRequests({ shardReads = 0, shardWrites = 0 }: OperationCounts): number {
	return shardReads + shardWrites;
}

function formatMonthlyPrice(call: OperationCounts, callsPerSecond: number): string {
	const millions = (callsPerSecond * SECONDS_PER_MONTH) / 1e6;
	const dollars = dollarsPerMillion(call) * millions;
	return `$${(Math.round(dollars / 100) * 100).toLocaleString('en')}`;
}

function formatObjects(objects: number): string {
	return Math.max(1, Math.ceil(objects)).toLocaleString('en');
}
