import { setTimeout as delay } from 'node:timers/promises';
import { contendersIn } from '../contenders.ts';
import type { Contender, ContenderIn } from '../contenders.ts';
import { McpClient } from '../mcp-client.ts';
import { openStream, sessionMessage, statelessToolCall } from '../mcp-requests.ts';
import { median } from '../median.ts';
import { endpoint, startContenders } from '../start-contenders.ts';

/** How much to measure. */
export interface ResumeEffort {
	/** Clients whose connection drops, one after another. */
	readonly rounds: number;
	/** Messages that each misses. */
	readonly missed: number;
}

/** What became of the clients of one contender. */
interface Resumption {
	/** The statuses that a client got that came back, each once, as `200, 409`. */
	readonly statuses: string;
	/** The share of the missed messages that it got. */
	readonly received: number;
	/** From the request until the last missed message was there: a median. Null where none came. */
	readonly medianMs: number | null;
	/** Until a stream that is not resumed is open: a median. */
	readonly openMs: number;
}

/** What was found, by contender. */
export type Resumptions = Partial<Record<Contender, Resumption>>;

/** Whose clients drop: those that keep a log, and upstream. */
const resumeContenders = contendersIn('resume');
/** Whose server is in the session's object: what a call of it changes is told to its session. */
const toldByOwnCall: readonly Contender[] = ['session-object', 'mcp-agent'];

const MARK = 'notifications/tools/list_changed';
const ARRIVES_WITHIN_MS = 2_000;

/** A client reads one message, loses its connection, misses some, and comes back with the id of the last. */
export async function measureResume(
	{ rounds, missed }: ResumeEffort,
	onProgress: (line: string) => void,
): Promise<Resumptions> {
	const running = await startContenders(resumeContenders, { onLog: () => {} });
	const found: Resumptions = {};
	try {
		for (const name of resumeContenders) {
			onProgress(`${rounds} clients of ${name}`);
			const statuses = new Set<number>();
			const times: number[] = [];
			const openTimes: number[] = [];
			let received = 0;
			for (let round = 0; round <= rounds; round += 1) {
				const one = await dropAndResume(name, endpoint(running, name), missed);
				if (round === 0) continue; // warms up
				statuses.add(one.status);
				openTimes.push(one.openMs);
				received += one.received;
				if (one.received > 0) times.push(one.ms);
			}
			found[name] = {
				statuses: [...statuses].join(', '),
				received: Number((received / (rounds * missed)).toFixed(3)),
				medianMs: times.length === 0 ? null : Number(median(times).toFixed(2)),
				openMs: Number(median(openTimes).toFixed(2)),
			};
		}
		return found;
	} finally {
		await running.stop();
	}
}

async function dropAndResume(
	name: ContenderIn<'resume'>,
	url: string,
	missed: number,
): Promise<{ status: number; received: number; ms: number; openMs: number }> {
	const client = new McpClient(url);
	const session = await client.open();
	const change = (): Promise<unknown> =>
		client.send(
			toldByOwnCall.includes(name)
				? sessionMessage(session, {
						id: 6,
						method: 'tools/call',
						params: { name: 'change_list', arguments: {} },
					})
				: statelessToolCall('change_list'),
			'changed',
		);
	const first = await readStream(url, session, {});
	await change();
	await first.until(1);
	const lastEventId = [...first.text().matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1];
	first.drop();
	for (let message = 0; message < missed; message += 1) await change();
	const resumed = await readStream(
		url,
		session,
		lastEventId ? { 'last-event-id': lastEventId } : {},
	);
	const ms = await resumed.until(missed);
	resumed.drop();
	return { status: resumed.status, received: resumed.received(), ms, openMs: first.openMs };
}

interface ReadStream {
	readonly status: number;
	/** From the request to its status. */
	readonly openMs: number;
	text(): string;
	received(): number;
	/** Waits for so many messages, not for ever. @returns milliseconds from the request to the last. */
	until(messages: number): Promise<number>;
	drop(): void;
}

async function readStream(
	url: string,
	session: string,
	headers: Record<string, string>,
): Promise<ReadStream> {
	const dropping = new AbortController();
	const startMs = performance.now();
	const request = openStream(session);
	const response = await fetch(url, {
		...request,
		headers: { ...request.headers, ...headers },
		signal: dropping.signal,
	});
	const openMs = performance.now() - startMs;
	let text = '';
	let lastMs = startMs;
	const reading = async (): Promise<void> => {
		if (!response.ok || !response.body) return;
		for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
			text += chunk;
			lastMs = performance.now();
		}
	};
	reading().catch(() => {}); // It is dropped.
	const received = (): number => text.split(MARK).length - 1;
	return {
		status: response.status,
		openMs,
		text: () => text,
		received,
		async until(messages) {
			const deadlineMs = performance.now() + (response.ok ? ARRIVES_WITHIN_MS : 0);
			while (received() < messages && performance.now() < deadlineMs) await delay(1);
			return lastMs - startMs;
		},
		drop: () => dropping.abort(),
	};
}
