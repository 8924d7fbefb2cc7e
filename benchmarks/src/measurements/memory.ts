import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { McpClient } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { contenders, contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { countingPlugin, takeBindingCounts } from '../operations/counted-contender.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import { entriesOf, measurement } from './measurement.ts';
import type { Effort } from './measurement.ts';

/** Idle streams and sessions, and the contenders: in a quick run one of each kind, since each has its own runtime. */
const efforts = {
	full: {
		...{ streams: 1_000, streamNames: contendersIn('stream-memory') },
		...{ sessions: 2_000, databaseNames: contendersIn('database') },
	},
	quick: {
		...{ streams: 10, streamNames: ['memory-bare', 'ours-http'] as const },
		...{ sessions: 20, databaseNames: ['ours-object', 'upstream'] as const },
	},
} satisfies Record<Effort, object>;

/** Contenders with a database for each session, of which a tenth is enough. */
const withSessionDatabases: readonly Contender[] = ['session-object', 'mcp-agent'];
/** The time to let a process settle before its memory is read, for each stream. */
const SETTLING_MS_PER_STREAM = 1;

/** Measures idle streams and sessions, each contender in its own workerd. Linux only. */
export const memory = measurement({
	async measure(effort, onProgress) {
		const { streams, sessions, streamNames, databaseNames } = efforts[effort];
		const streamBytes: Partial<Record<Contender, Awaited<ReturnType<typeof measureStreams>>>> = {};
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
		const bare = streamBytes['memory-bare']?.inMemory ?? NaN;
		const held = table(
			`KiB of workerd for each of ${streams.toLocaleString('en')} idle streams | in all | objects hibernated | of it the object and its socket`,
			entriesOf(streamBytes).map(([name, { inMemory, hibernated }]) => [
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
			`bytes of SQLite for each of ${sessions.toLocaleString('en')} idle sessions | a session | its stream in addition`,
			entriesOf(databaseBytes).map(([name, { session, stream }]) => [
				titleOf(name),
				session.toLocaleString('en'),
				stream.toLocaleString('en'),
			]),
		);
		return `${held}\n\n${stored}`;
	},
});

/** Returns the bytes that workerd holds for each idle stream, and after its objects hibernated, if it has any. */
async function measureStreams(name: Contender, streams: number) {
	const others = workerdProcesses();
	await using stack = new AsyncDisposableStack();
	const running = stack.use(await startContenders([name], { onLog: () => {} }));
	const [processId = 0] = workerdProcesses().filter((each) => !others.includes(each));
	const url = endpoint(running, name);
	const open = async (count: number): Promise<number> => {
		stack.use(await RawStreams.open(url, await new McpClient(url).openSessions(count)));
		return settled();
	};
	const settled = async (): Promise<number> => {
		await delay(streams * SETTLING_MS_PER_STREAM);
		return residentBytes(processId);
	};
	const before = await open(Math.ceil(streams / 10)); // Allocates what all streams share.
	const inMemory = Math.round(((await open(streams)) - before) / streams);
	const { objects } = contenders[name];
	if (objects.length === 0) return { inMemory, hibernated: null };
	for (const className of objects) await running.evict({ className });
	return { inMemory, hibernated: Math.round(((await settled()) - before) / streams) };
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

/** Returns the ids of the workerd processes that this process started. */
function workerdProcesses(): number[] {
	return readdirSync('/proc')
		.map(Number)
		.filter((id) => {
			try {
				const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
				const [, name, parent] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
				return name === 'workerd' && Number(parent) === process.pid;
			} catch {
				return false; // It is no process, or it has ended.
			}
		});
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
