import { setTimeout as delay } from 'node:timers/promises';

const HEADERS = {
	'content-type': 'application/json',
	accept: 'application/json, text/event-stream',
	// Its clients get event ids on the streams of calls.
	'mcp-protocol-version': '2025-11-25',
};
/** After this time a call of another process can be cancelled at once. */
const CANCELLABLE_MS = 1_500;
const ARRIVAL_MS = 15_000;
const LANES = 50;
/** The progress notifications of `count`. */
const STEPS = 12;

interface Message {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: object;
	readonly result?: object;
}

/** Two processes of one deployment. A call runs in the first; what concerns it arrives at the second. */
export interface Pair {
	readonly first: URL;
	readonly second: URL;
}

/** Returns how many of the answers to server requests reached their call. */
export function routeAnswers(pair: Pair, count: number): Promise<number> {
	return inLanes(
		count,
		async (id, session) => {
			const { reader } = await call(pair.first, session, id, 'ask');
			const asked = await readUntil(reader, /elicitation\/create.*\n\n/);
			const request = JSON.parse(
				/^data: (\{.*elicitation\/create.*\})$/m.exec(asked)?.[1] ?? '{}',
			) as Message;
			const result = { action: 'accept', content: { sure: true } };
			await post(pair.second, session, {
				...(request.id !== undefined && { id: request.id }),
				result,
			});
			const text = await readUntil(reader, /answered/);
			return text.includes('answered true');
		},
		pair.first,
	);
}

/** Returns how many calls whose connection was lost were resumed in the other process, each event once. */
export function routeResumes(pair: Pair, count: number): Promise<number> {
	return inLanes(
		count,
		async (id, session) => {
			const abort = new AbortController();
			const { reader } = await call(pair.first, session, id, 'count', abort.signal);
			const before = await readUntil(reader, /\nid: [^]*"progress":10[^]*\n\n/);
			abort.abort();
			const seen = completeEvents(before);
			const lastEventId = [...seen.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
			const response = await fetch(pair.second, {
				headers: {
					...HEADERS,
					accept: 'text/event-stream',
					'mcp-session-id': session,
					'last-event-id': lastEventId,
				},
			});
			const text = seen + (await withinTime(response.text()));
			const counted = [...text.matchAll(/"progress":(\d+)/g)].map(([, each]) => Number(each));
			const isWhole =
				counted.length === STEPS && counted.every((each, index) => each === index + 1);
			return isWhole && text.split('"counted"').length === 2;
		},
		pair.first,
	);
}

/** Returns how many cancellations stopped their call. */
export async function routeCancellations(pair: Pair, count: number): Promise<number> {
	const read = async (): Promise<number> => {
		const response = await fetch(new URL('/cancelled', pair.first));
		return response.json<number>();
	};
	const before = await read();
	for (let start = 0; start < count; start += 100) {
		const ids = Array.from({ length: Math.min(100, count - start) }, (_, index) => index + 1);
		const session = await open(pair.first);
		const calls = await Promise.all(ids.map((id) => call(pair.first, session, id, 'wait')));
		await delay(CANCELLABLE_MS);
		await Promise.all(
			ids.map((requestId) =>
				post(pair.second, session, { method: 'notifications/cancelled', params: { requestId } }),
			),
		);
		const untilMs = Date.now() + ARRIVAL_MS;
		while ((await read()) < before + start + ids.length && Date.now() < untilMs) await delay(20);
		await Promise.all(calls.map(({ reader }) => reader.cancel()));
	}
	return (await read()) - before;
}

/** Runs a function for each number, in some sessions side by side. Returns how often it returned true. */
async function inLanes(
	count: number,
	run: (id: number, session: string) => Promise<boolean>,
	url: URL,
): Promise<number> {
	let next = 1;
	let succeeded = 0;
	const lanes = Array.from({ length: Math.min(LANES, count) }, async () => {
		const session = await open(url);
		while (next <= count) {
			const id = next++;
			if (await run(id, session).catch(() => false)) succeeded += 1;
		}
	});
	await Promise.all(lanes);
	return succeeded;
}

async function open(url: URL): Promise<string> {
	const params = {
		protocolVersion: '2025-11-25',
		capabilities: { elicitation: { form: {} } },
		clientInfo: { name: 'routed', version: '1.0.0' },
	};
	const response = await post(url, undefined, { id: 0, method: 'initialize', params });
	await response.text();
	const session = response.headers.get('mcp-session-id') ?? '';
	await (await post(url, session, { method: 'notifications/initialized' })).text();
	return session;
}

function post(
	url: URL,
	session: string | undefined,
	message: Message,
	signal?: AbortSignal,
): Promise<Response> {
	return fetch(url, {
		method: 'POST',
		headers: { ...HEADERS, ...(session !== undefined && { 'mcp-session-id': session }) },
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
		...(signal && { signal }),
	});
}

type Reader = ReadableStreamDefaultReader<string>;

async function call(
	url: URL,
	session: string,
	id: number,
	name: string,
	signal?: AbortSignal,
): Promise<{ readonly reader: Reader }> {
	const params = { name, arguments: {}, _meta: { progressToken: id } };
	const response = await post(url, session, { id, method: 'tools/call', params }, signal);
	if (!response.body) throw new Error('the call must have a stream');
	return { reader: response.body.pipeThrough(new TextDecoderStream()).getReader() };
}

/** Reads until a text has arrived, and returns what has. */
async function readUntil(reader: Reader, expected: RegExp): Promise<string> {
	let text = '';
	while (!expected.test(text)) {
		const { done, value } = await withinTime(reader.read());
		if (done) break;
		text += value;
	}
	return text;
}

/** Returns the events that have arrived as a whole: a client ignores the rest. */
function completeEvents(text: string): string {
	return text.slice(0, text.lastIndexOf('\n\n') + 2);
}

async function withinTime<Result>(promise: Promise<Result>): Promise<Result> {
	const late = new Promise<never>((_, reject) => {
		setTimeout(() => reject(new Error('nothing arrived in time')), ARRIVAL_MS).unref();
	});
	return Promise.race([promise, late]);
}
