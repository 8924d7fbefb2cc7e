import { setTimeout as delay } from 'node:timers/promises';
import { contenders, contendersIn } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { RawStreams } from '../fan-out/raw-streams.ts';
import { openSessions } from '../open-sessions.ts';
import { countingPlugin } from '../operations/counting-plugin.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
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

/** Those with a database for each session: fewer of them are looked at. */
const withDatabaseEach: readonly Contender[] = ['session-object', 'mcp-agent'];
/** How long a process is left alone before it is looked at, for each stream. */
const SETTLES_MS_EACH = 1;

/** Each contender in a workerd of its own, one after another. */
export async function measureMemory(
	effort: MemoryEffort,
	onProgress: (line: string) => void,
): Promise<Memory> {
	const streamBytes: Memory['streamBytes'] = {};
	for (const contender of contendersIn('stream memory')) {
		onProgress(`${effort.streams} idle streams of ${contender}`);
		streamBytes[contender] = await memoryOf(contender, effort.streams);
	}
	const databaseBytes: Memory['databaseBytes'] = {};
	for (const contender of contendersIn('database bytes')) {
		const sessions = withDatabaseEach.includes(contender) ? effort.sessions / 10 : effort.sessions;
		onProgress(`${sessions} idle sessions of ${contender}`);
		databaseBytes[contender] = await databasesOf(contender, sessions);
	}
	return { ...effort, streamBytes, databaseBytes };
}

async function memoryOf(name: Contender, streams: number): Promise<StreamMemory> {
	const classes = contenders[name].objects;
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
		await delay(streams * SETTLES_MS_EACH);
		const before = residentBytes(id);
		await open(streams);
		await delay(streams * SETTLES_MS_EACH);
		const inMemory = Math.round((residentBytes(id) - before) / streams);
		if (classes.length === 0) return { inMemory, hibernated: null };
		for (const className of classes) await running.evict({ className });
		await delay(streams * SETTLES_MS_EACH);
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
