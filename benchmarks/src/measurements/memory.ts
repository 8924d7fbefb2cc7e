import { setTimeout as delay } from 'node:timers/promises';
import { GarbageCollector } from '../client/garbage.ts';
import { McpClient } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { contenders, contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { countingPlugin, takeBindingCounts } from '../operations/counted-contender.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import { startMeasured } from '../workerd-process.ts';
import { aimsTable, entriesOf, measurement } from './measurement.ts';
import type { Aim, Effort } from './measurement.ts';

/** The batches in which streams open. Garbage is collected after each. */
const BATCHES = 10;

/** Idle streams and sessions, and the contenders: in a quick run one of each kind, since each has its own runtime. */
const efforts = {
	full: {
		streams: 1_000,
		streamNames: contendersIn('stream-memory'),
		sessions: 2_000,
		databaseNames: contendersIn('database'),
	},
	quick: {
		streams: 10,
		streamNames: ['memory-kept-alive', 'ours-http'] as const,
		sessions: 20,
		databaseNames: ['ours-object', 'upstream'] as const,
	},
} satisfies Record<Effort, object>;

/** Contenders with a database for each session, of which a tenth is enough. */
const withSessionDatabases: readonly Contender[] = ['session-object', 'mcp-agent'];
/** The memory of an isolate on Cloudflare: https://developers.cloudflare.com/workers/platform/limits/#memory */
const ISOLATE_BYTES = 128 * 1024 * 1024;
/** The time to let a process settle before its memory is read, for each stream. */
const SETTLING_MS_PER_STREAM = 1;

/** Measures idle streams and sessions, each contender in its own workerd. Linux only. */
export const memory = measurement({
	async measure(effort, onProgress) {
		const { streams, sessions, streamNames, databaseNames } = efforts[effort];
		const streamBytes: StreamBytes = {};
		for (const name of streamNames) {
			onProgress(`${streams} idle streams of ${name}`);
			streamBytes[name] = await measureStreams(name, streams);
		}
		const databaseBytes: Partial<Record<Contender, DatabaseBytes>> = {};
		for (const name of databaseNames) {
			const count = withSessionDatabases.includes(name) ? sessions / 10 : sessions;
			onProgress(`${count} idle sessions of ${name}`);
			databaseBytes[name] = await measureDatabases(name, count);
		}
		return { streams, sessions, streamBytes, databaseBytes };
	},

	format({ streams, sessions, streamBytes, databaseBytes }) {
		const bare = streamBytes['memory-kept-alive']?.inMemory;
		const held = table(
			`KiB of workerd for each of ${streams.toLocaleString('en')} idle streams | in all | objects hibernated | of it the object and its socket | heap of the Worker's isolate | streams for 128 MB of heap`,
			entriesOf(streamBytes).map(([name, { inMemory, hibernated, heap }]) => [
				titleOf(name),
				formatKib(inMemory),
				hibernated === null ? '' : formatKib(hibernated),
				// Only these differ from `memory-kept-alive` by nothing but the object.
				bare !== undefined && (name === 'ours-bare' || name === 'upstream-kept-alive')
					? formatKib((hibernated ?? NaN) - bare)
					: '',
				...(heap
					? [
							(heap.stream / 1024).toFixed(1),
							Math.floor((ISOLATE_BYTES - heap.idle) / heap.stream).toLocaleString('en'),
						]
					: ['', '']),
			]),
		);
		const stored = table(
			`bytes of SQLite for each of ${sessions.toLocaleString('en')} idle sessions | a session | its stream in addition`,
			entriesOf(databaseBytes).map(([name, { session, stream }]) => [
				titleOf(name),
				session.toLocaleString('en'),
				stream.toLocaleString('en'),
			]),
		);
		return [held, aimsTable('KiB of an idle stream', aimsOf(streamBytes)), stored].join('\n\n');
	},

	aims: ({ streamBytes }) => aimsOf(streamBytes),
});

type StreamBytes = Partial<Record<Contender, Awaited<ReturnType<typeof measureStreams>>>>;

function aimsOf(bytes: StreamBytes): Aim[] {
	const aim = (name: Contender, reference: Contender, most: number): Aim => ({
		subject: `${titleOf(name)}, to ${titleOf(reference)}`,
		most,
		found: (bytes[name]?.inMemory ?? NaN) / (bytes[reference]?.inMemory ?? NaN),
	});
	return [
		aim('ours-http', 'upstream-kept-alive', 0.9),
		aim('session-object', 'mcp-agent', 0.45),
		aim('session-object', 'floor-session-object', 1.1),
	];
}

/** Returns the bytes that workerd holds for each idle stream, and after its objects hibernated, if it has any. */
async function measureStreams(
	name: Contender,
	streams: number,
): Promise<{ inMemory: number; hibernated: number | null; heap?: Heap }> {
	await using stack = new AsyncDisposableStack();
	const options = { onLog: () => {}, inspectorPort: 0 };
	const running = stack.use(await startMeasured([name], options));
	const url = endpoint(running, name);
	const garbage = stack.use(await GarbageCollector.open(running));
	const all: RawStreams[] = [];
	let opened = 0;
	const open = async (count: number): Promise<void> => {
		opened += count;
		const sessions = await new McpClient(url).openSessions(count);
		all.push(stack.use(await RawStreams.open(url, sessions)));
	};
	const read = async (): Promise<{ resident: number; heap: number }> => {
		await delay(streams * SETTLING_MS_PER_STREAM);
		return { resident: running.process.residentBytes(), heap: await garbage.heapBytes(name) };
	};
	const openBatch = async (): Promise<void> => {
		await open(Math.ceil(streams / BATCHES));
		// The resident set does not shrink: what is garbage has to be free for the next streams.
		await garbage.collect(() => open(1));
	};
	await openBatch(); // Allocates what all streams share.
	const before = await read();
	const warmUps = opened;
	opened = 0;
	for (let batch = 0; batch < BATCHES; batch += 1) await openBatch();
	const after = await read();
	const ended = all.reduce((sum, each) => sum + each.ended, 0);
	if (ended > 0) throw new Error(`the idle streams of ${name} must stay open; ${ended} have ended`);
	const each = (bytes: number): number => Math.round(bytes / opened);
	const inMemory = each(after.resident - before.resident);
	const heapOfStream = each(after.heap - before.heap);
	const heap = { idle: before.heap - warmUps * heapOfStream, stream: heapOfStream };
	const { objects } = contenders[name];
	if (objects.length === 0) return { inMemory, hibernated: null, heap };
	for (const className of objects) await running.evict({ className });
	return { inMemory, hibernated: each((await read()).resident - before.resident), heap };
}

/** The heap of the Worker's isolate without streams, and what each adds. */
export interface Heap {
	readonly idle: number;
	readonly stream: number;
}

/** Bytes in SQLite for each idle session without a stream, and those that its stream adds. */
export interface DatabaseBytes {
	readonly session: number;
	readonly stream: number;
}

async function measureDatabases(name: Contender, sessions: number): Promise<DatabaseBytes> {
	const options = { plugins: [countingPlugin], onLog: () => {} };
	await using stack = new AsyncDisposableStack();
	const running = stack.use(await startContenders([name], options));
	const url = endpoint(running, name);
	const readBytes = async (): Promise<number> => {
		await takeBindingCounts(running, name); // Resolves when all writes have ended.
		const response = await fetch(new URL('/database-bytes', running.url('objects')));
		return response.json<number>();
	};
	const before = await readBytes();
	const ids = await new McpClient(url).openSessions(sessions);
	const withSessions = await readBytes();
	stack.use(await RawStreams.open(url, ids));
	return {
		session: Math.round((withSessions - before) / sessions),
		stream: Math.round(((await readBytes()) - withSessions) / sessions),
	};
}

function formatKib(bytes: number): string {
	return (bytes / 1024).toFixed(0);
}
