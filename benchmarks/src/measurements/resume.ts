import { setTimeout as delay } from 'node:timers/promises';
import { McpClient } from '../client/mcp-client.ts';
import { openStream, sessionMessage, statelessToolCall } from '../client/mcp-requests.ts';
import { contendersIn, entriesByContender, titleOf } from '../contenders.ts';
import type { Contender, ContenderIn } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { Effort, Measurement } from './measurement.ts';
import { median, rounded } from './statistics.ts';

interface ResumeEffort {
	/** Clients that lose their connection, one after another. */
	readonly rounds: number;
	/** The messages that each client misses. */
	readonly missed: number;
	readonly warmUp: boolean;
}

interface Resumption {
	/** The distinct statuses of the resuming requests, such as `200, 409`. */
	readonly statuses: string;
	/** The share of the missed messages that arrived. */
	readonly received: number;
	/** The time from the request until the last missed message: a median, or null if none arrived. */
	readonly medianMs: number | null;
	/** The time to open a stream that is not resumed: a median. */
	readonly openMs: number;
}

/** Resumptions by contender. */
export type Resumptions = Partial<Record<Contender, Resumption>>;

interface ReadStream {
	readonly status: number;
	/** The time from the request to its status. */
	readonly openMs: number;
	text(): string;
	received(): number;
	/** Waits for messages until a timeout, and returns the time from the request to the last of them. */
	waitFor(messages: number): Promise<number>;
	drop(): void;
}

const efforts: Readonly<Record<Effort, ResumeEffort>> = {
	full: { rounds: 15, missed: 50, warmUp: true },
	quick: { rounds: 1, missed: 3, warmUp: false },
};

/** The contenders with a log, and upstream. */
const names = contendersIn('resume');
/** Contenders whose whole server is in the session's object: only the session's own calls notify it. */
const notifiedByOwnCalls: readonly Contender[] = ['session-object', 'mcp-agent'];

const MARK = 'notifications/tools/list_changed';
const ARRIVAL_MS = 2_000;

/** Measures what a client gets that loses its connection, misses messages, and reconnects. */
export const resume: Measurement<Resumptions> = {
	async measure(effort, onProgress) {
		const { rounds, missed, warmUp } = efforts[effort];
		const running = await startContenders(names, { onLog: () => {} });
		const resumptions: Resumptions = {};
		try {
			for (const name of names) {
				onProgress(`${rounds} clients of ${name}`);
				const url = endpoint(running, name);
				if (warmUp) await dropAndResume(name, url, missed);
				const clients: Awaited<ReturnType<typeof dropAndResume>>[] = [];
				while (clients.length < rounds) clients.push(await dropAndResume(name, url, missed));
				const received = clients.reduce((sum, client) => sum + client.received, 0);
				const times = clients.filter((client) => client.received > 0).map(({ ms }) => ms);
				resumptions[name] = {
					statuses: [...new Set(clients.map(({ status }) => status))].join(', '),
					received: rounded(received / (rounds * missed), 3),
					medianMs: times.length === 0 ? null : rounded(median(times), 2),
					openMs: rounded(median(clients.map(({ openMs }) => openMs)), 2),
				};
			}
			return resumptions;
		} finally {
			await running.stop();
		}
	},

	format: (resumptions) =>
		table(
			[
				'a client that reconnects after a drop',
				'status',
				'of what it missed it receives',
				'time to the last of it, to opening a stream',
			],
			entriesByContender(resumptions).map(([name, { statuses, received, medianMs, openMs }]) => [
				titleOf(name),
				statuses,
				`${(received * 100).toFixed(0)} %`,
				medianMs === null ? '' : (medianMs / openMs).toFixed(1),
			]),
		),

	shortfalls(resumptions) {
		const received = resumptions['ours-http']?.received ?? 0;
		if (received === 1) return [];
		return [`A resuming client must receive all that it missed; got ${received} of it.`];
	},
};

async function dropAndResume(
	name: ContenderIn<'resume'>,
	url: string,
	missed: number,
): Promise<{ status: number; received: number; ms: number; openMs: number }> {
	const client = new McpClient(url);
	const session = await client.open();
	const params = { name: 'change_list', arguments: {} };
	const change = notifiedByOwnCalls.includes(name)
		? sessionMessage(session, { id: 6, method: 'tools/call', params })
		: statelessToolCall('change_list');
	const first = await readStream(url, session);
	await client.send(change, 'changed');
	await first.waitFor(1);
	const lastEventId = [...first.text().matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1];
	first.drop();
	for (let message = 0; message < missed; message += 1) await client.send(change, 'changed');
	const resumed = await readStream(url, session, lastEventId);
	const ms = await resumed.waitFor(missed);
	resumed.drop();
	return { status: resumed.status, received: resumed.received(), ms, openMs: first.openMs };
}

async function readStream(url: string, session: string, lastEventId?: string): Promise<ReadStream> {
	const dropping = new AbortController();
	const startMs = performance.now();
	const request = openStream(session);
	const response = await fetch(url, {
		...request,
		headers: {
			...request.headers,
			...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
		},
		signal: dropping.signal,
	});
	const openMs = performance.now() - startMs;
	let text = '';
	let lastMs = startMs;
	const read = async (): Promise<void> => {
		if (!response.ok || !response.body) return;
		for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
			text += chunk;
			lastMs = performance.now();
		}
	};
	read().catch(() => {}); // The client drops the stream.
	const received = (): number => text.split(MARK).length - 1;
	return {
		status: response.status,
		openMs,
		text: () => text,
		received,
		async waitFor(messages) {
			const deadlineMs = performance.now() + (response.ok ? ARRIVAL_MS : 0);
			while (received() < messages && performance.now() < deadlineMs) await delay(1);
			return lastMs - startMs;
		},
		drop: () => dropping.abort(),
	};
}
