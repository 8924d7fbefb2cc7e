import { setTimeout as delay } from 'node:timers/promises';
import { RawStreams } from '../fan-out/raw-streams.ts';
import { openSessions } from '../open-sessions.ts';
import { countingPlugin } from '../operations/counting-plugin.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import type { Contender } from '../start-contenders.ts';
import { residentBytes, workerdProcesses } from './process-memory.ts';

/** How much to measure. */
export interface MemoryEffort {
	/** Idle streams, each of a session of its own. */
	readonly streams: number;
	/** Idle sessions whose database is looked at; of those with an object each, a tenth. */
	readonly sessions: number;
}

/** Bytes that workerd holds for each idle stream, Worker and object together. */
interface StreamMemory {
	readonly inMemory: number;
	/** The same once the objects are out of memory; null where there are none. */
	readonly hibernated: number | null;
}

/** What was found. */
export interface Memory extends MemoryEffort {
	readonly streamBytes: Partial<Record<Contender, StreamMemory>>;
	/** Bytes in SQLite for each idle session without a stream, and what a stream adds. */
	readonly databaseBytes: Partial<Record<Contender, { session: number; stream: number }>>;
}

/** Whose idle streams are measured, and the classes of their objects. */
const ofStreams = {
	'memory-bare': [],
	'memory-http': [],
	'ours-bare': ['SyncLayer'],
	'ours-http': ['SyncLayer'],
	'upstream-kept-alive': ['UpstreamSyncLayer'],
	'mcp-agent': ['McpAgentObject'],
} as const satisfies Partial<Record<Contender, readonly string[]>>;

/** Whose databases are measured. */
const ofDatabases = [
	'ours-http',
	'ours-object',
	'upstream',
	'mcp-agent',
] as const satisfies Contender[];

const SETTLES_MS = 1_000;

/** Each contender in a workerd of its own, one after another. */
export async function measureMemory(
	effort: MemoryEffort,
	onProgress: (line: string) => void,
): Promise<Memory> {
	const streamBytes: Memory['streamBytes'] = {};
	for (const [name, classes] of Object.entries(ofStreams)) {
		onProgress(`${effort.streams} idle streams of ${name}`);
		// Sound: the keys are those of the literal above.
		const contender = name as keyof typeof ofStreams;
		streamBytes[contender] = await memoryOf(contender, classes, effort.streams);
	}
	const databaseBytes: Memory['databaseBytes'] = {};
	for (const contender of ofDatabases) {
		const sessions = contender === 'mcp-agent' ? effort.sessions / 10 : effort.sessions;
		onProgress(`${sessions} idle sessions of ${contender}`);
		databaseBytes[contender] = await databasesOf(contender, sessions);
	}
	return { ...effort, streamBytes, databaseBytes };
}

async function memoryOf(
	name: Contender,
	classes: readonly string[],
	streams: number,
): Promise<StreamMemory> {
	const others = workerdProcesses();
	const running = await startContenders([name], { onLog: () => {} });
	const [id = 0] = workerdProcesses().filter((each) => !others.includes(each));
	const url = endpoint(running, name);
	const opened: RawStreams[] = [];
	const open = async (count: number): Promise<void> => {
		opened.push(await RawStreams.open(url, await openSessions(url, count)));
	};
	try {
		await open(Math.ceil(streams / 10)); // What is made once is made now.
		await delay(SETTLES_MS);
		const before = residentBytes(id);
		await open(streams);
		await delay(SETTLES_MS);
		const inMemory = Math.round((residentBytes(id) - before) / streams);
		if (classes.length === 0) return { inMemory, hibernated: null };
		for (const className of classes) await running.evict({ className });
		await delay(SETTLES_MS);
		return { inMemory, hibernated: Math.round((residentBytes(id) - before) / streams) };
	} finally {
		for (const each of opened) each.close();
		await running.stop();
	}
}

async function databasesOf(
	name: Contender,
	sessions: number,
): Promise<{ session: number; stream: number }> {
	const running = await startContenders([name], { plugins: [countingPlugin], onLog: () => {} });
	const url = endpoint(running, name);
	const bytes = async (): Promise<number> => {
		// Waits until all is written.
		await fetch(new URL('/operations', running.url(name)));
		await fetch(new URL('/operations', running.url('objects')));
		const response = await fetch(new URL('/database-bytes', running.url('objects')));
		return response.json<number>();
	};
	let streams: RawStreams | undefined;
	try {
		const before = await bytes();
		const ids = await openSessions(url, sessions);
		const withSessions = await bytes();
		streams = await RawStreams.open(url, ids);
		return {
			session: Math.round((withSessions - before) / sessions),
			stream: Math.round(((await bytes()) - withSessions) / sessions),
		};
	} finally {
		streams?.close();
		await running.stop();
	}
}
