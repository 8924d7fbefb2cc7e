import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { McpClient } from '../client/mcp-client.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { contenders, contendersIn, entriesByContender, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { countingPlugin } from '../operations/counted-contender.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { Effort, Measurement } from './measurement.ts';

interface MemoryEffort {
	/** Idle streams, each of a separate session. */
	readonly streams: number;
	/** Idle sessions whose database is measured; a tenth for contenders with an object each. */
	readonly sessions: number;
	/** The contenders whose streams, and those whose databases are measured. */
	readonly streamNames: readonly Contender[];
	readonly databaseNames: readonly Contender[];
}

interface StreamMemory {
	/** Bytes that workerd holds for each idle stream, in the Worker and the object together. */
	readonly inMemory: number;
	/** The same after the objects hibernated, or null without objects. */
	readonly hibernated: number | null;
}

interface DatabaseBytes {
	/** Bytes in SQLite for each idle session without a stream. */
	readonly session: number;
	/** Bytes that its stream adds. */
	readonly stream: number;
}

/** Memory and database sizes by contender. */
export interface Memory {
	readonly streams: number;
	readonly sessions: number;
	readonly streamBytes: Partial<Record<Contender, StreamMemory>>;
	readonly databaseBytes: Partial<Record<Contender, DatabaseBytes>>;
}

const efforts: Readonly<Record<Effort, MemoryEffort>> = {
	full: {
		streams: 1_000,
		sessions: 2_000,
		streamNames: contendersIn('stream memory'),
		databaseNames: contendersIn('database bytes'),
	},
	// One contender of each kind, since each takes its own runtime.
	quick: {
		streams: 10,
		sessions: 20,
		streamNames: ['memory-bare', 'ours-http'],
		databaseNames: ['ours-object', 'upstream'],
	},
};

/** Contenders with a database for each session. */
const withSessionDatabases: readonly Contender[] = ['session-object', 'mcp-agent'];
/** The time to let a process settle before its memory is read, for each stream. */
const SETTLING_MS_PER_STREAM = 1;

/** Measures idle streams and sessions, each contender in its own workerd. Linux only. */
export const memory: Measurement<Memory> = {
	async measure(effort, onProgress) {
		const { streams, sessions, streamNames, databaseNames } = efforts[effort];
		const streamBytes: Memory['streamBytes'] = {};
		for (const name of streamNames) {
			onProgress(`${streams} idle streams of ${name}`);
			streamBytes[name] = await measureStreams(name, streams);
		}
		const databaseBytes: Memory['databaseBytes'] = {};
		for (const name of databaseNames) {
			const count = withSessionDatabases.includes(name) ? sessions / 10 : sessions;
			onProgress(`${count} idle sessions of ${name}`);
			databaseBytes[name] = await measureDatabases(name, count);
		}
		return { streams, sessions, streamBytes, databaseBytes };
	},

	format({ streams, sessions, streamBytes, databaseBytes }) {
		const bare = streamBytes['memory-bare']?.inMemory ?? NaN;
		const held = table(
			[
				`KiB of workerd for each of ${streams.toLocaleString('en')} idle streams`,
				'in all',
				'objects hibernated',
				'of it the object and its socket',
			],
			entriesByContender(streamBytes).map(([name, { inMemory, hibernated }]) => [
				titleOf(name),
				formatKib(inMemory),
				hibernated === null ? '' : formatKib(hibernated),
				// Only these differ from `memory-bare` by nothing but the object.
				name === 'ours-bare' || name === 'upstream-kept-alive'
					? formatKib((hibernated ?? NaN) - bare)
					: '',
			]),
		);
		const stored = table(
			[
				`bytes of SQLite for each of ${sessions.toLocaleString('en')} idle sessions`,
				'a session',
				'its stream in addition',
			],
			entriesByContender(databaseBytes).map(([name, { session, stream }]) => [
				titleOf(name),
				session.toLocaleString('en'),
				stream.toLocaleString('en'),
			]),
		);
		return `${held}\n\n${stored}`;
	},

	shortfalls: () => [],
};

async function measureStreams(name: Contender, streams: number): Promise<StreamMemory> {
	const others = workerdProcesses();
	const running = await startContenders([name], { onLog: () => {} });
	const [processId = 0] = workerdProcesses().filter((each) => !others.includes(each));
	const url = endpoint(running, name);
	const opened: RawStreams[] = [];
	const open = async (count: number): Promise<void> => {
		opened.push(await RawStreams.open(url, await new McpClient(url).openSessions(count)));
		await delay(streams * SETTLING_MS_PER_STREAM);
	};
	try {
		await open(Math.ceil(streams / 10)); // Allocates what all streams share.
		const before = residentBytes(processId);
		await open(streams);
		const inMemory = Math.round((residentBytes(processId) - before) / streams);
		const { objects } = contenders[name];
		if (objects.length === 0) return { inMemory, hibernated: null };
		for (const className of objects) await running.evict({ className });
		await delay(streams * SETTLING_MS_PER_STREAM);
		return { inMemory, hibernated: Math.round((residentBytes(processId) - before) / streams) };
	} finally {
		for (const each of opened) each.close();
		await running.stop();
	}
}

async function measureDatabases(name: Contender, sessions: number): Promise<DatabaseBytes> {
	const running = await startContenders([name], { plugins: [countingPlugin], onLog: () => {} });
	const url = endpoint(running, name);
	const readBytes = async (): Promise<number> => {
		// Both respond when their writes have ended.
		await fetch(new URL('/operations', running.url(name)));
		await fetch(new URL('/operations', running.url('objects')));
		const response = await fetch(new URL('/database-bytes', running.url('objects')));
		return response.json<number>();
	};
	let streams: RawStreams | undefined;
	try {
		const before = await readBytes();
		const ids = await new McpClient(url).openSessions(sessions);
		const withSessions = await readBytes();
		streams = await RawStreams.open(url, ids);
		return {
			session: Math.round((withSessions - before) / sessions),
			stream: Math.round(((await readBytes()) - withSessions) / sessions),
		};
	} finally {
		streams?.close();
		await running.stop();
	}
}

/** Returns the ids of the workerd processes that this process started. */
function workerdProcesses(): number[] {
	return readdirSync('/proc')
		.map(Number)
		.filter((id) => {
			const [, name, parent] = /\((.*)\) \S (\d+)/.exec(readStat(id)) ?? [];
			return name === 'workerd' && Number(parent) === process.pid;
		});
}

function readStat(id: number): string {
	try {
		return Number.isNaN(id) ? '' : readFileSync(`/proc/${id}/stat`, 'utf8');
	} catch {
		return ''; // The process has ended.
	}
}

/** Returns the resident set size of a process. */
function residentBytes(id: number): number {
	const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8')) ?? [];
	if (kib === undefined) throw new Error(`/proc/${id}/status must contain VmRSS; it does not`);
	return Number(kib) * 1024;
}

function formatKib(bytes: number): string {
	return (bytes / 1024).toFixed(0);
}
