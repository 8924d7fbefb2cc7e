import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { McpServer } from 'tmcp';
import { describe, expect, it } from 'vitest';

const URL_OF_MCP = 'https://example.com/mcp';
const REVISION = '2025-11-25';
/** More than waits for a client that does not read, less than the log keeps. */
const MESSAGES = 15;
const LENGTH = 200_000;

interface Scene {
	readonly mcp: McpHandler;
	readonly streams: InMemoryStreamSessionManager;
	readonly errors: string[];
	readonly session: string;
}

async function setUp(): Promise<Scene> {
	const errors: string[] = [];
	const onError = (error: Error): void => void errors.push(error.message);
	const streams = new InMemoryStreamSessionManager({ onError });
	const info = new StoredInfoSessionManager(new InMemorySessionStore(), { onError });
	const server = new McpServer({ name: 'test', version: '1.0.0' }, { adapter: undefined });
	const mcp = createMcpHandler(server, {
		...{ info, streams, onError, keepAliveSeconds: 0.05 },
		sessionKeys: ['a-key-of-the-tests-32-characters-long-and-more'],
	});
	const clientInfo = { name: 'client', version: '1.0.0' };
	const params = { protocolVersion: REVISION, capabilities: {}, clientInfo };
	const response = await mcp.fetch(
		new Request(URL_OF_MCP, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
		}),
	);
	await response.text();
	return { mcp, streams, errors, session: response.headers.get('mcp-session-id') ?? '' };
}

/** Opens the stream, or resumes it. */
async function listen({ mcp, session }: Scene, lastEventId?: string): Promise<Reading> {
	const headers = {
		'mcp-session-id': session,
		'mcp-protocol-version': REVISION,
		...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
	};
	const response = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
	const reader = response.body?.getReader();
	if (!reader) throw new Error('expected a body');
	return { reader, text: '' };
}

interface Reading {
	readonly reader: ReadableStreamDefaultReader<Uint8Array>;
	text: string;
}

/** Reads until so many messages have come. */
async function read(reading: Reading, messages: number): Promise<number[]> {
	const numbers = (): number[] =>
		[...reading.text.matchAll(/^data: (\d+)x+\n/gm)].map(([, number]) => Number(number));
	const decoder = new TextDecoder();
	while (numbers().length < messages || !reading.text.includes('id: ')) {
		const { done, value } = await reading.reader.read();
		if (done) throw new Error(`expected ${messages} messages; found ${numbers().length}`);
		reading.text += decoder.decode(value, { stream: true });
	}
	return numbers();
}

const lastId = ({ text }: Reading): string => [...text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? '';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const numbersTo = (length: number): number[] => Array.from({ length }, (_, index) => index);

function sendLong({ streams, session }: Scene, number: number): void {
	streams.send([session], `data: ${number}${'x'.repeat(LENGTH)}\n\n`);
}

describe('a client that reads slowly', { timeout: 10_000 }, () => {
	it('L20 event-replay: gets all that it missed when it comes back, however much waits for it', async () => {
		const scene = await setUp();
		const first = await listen(scene);
		await read(first, 0);
		await first.reader.cancel();
		for (const number of numbersTo(MESSAGES)) sendLong(scene, number);
		const resumed = await listen(scene, lastId(first));
		await pause(100);
		// What is live finds most of the replay unread.
		sendLong(scene, MESSAGES);
		expect(await read(resumed, MESSAGES + 1)).toEqual(numbersTo(MESSAGES + 1));
		await resumed.reader.cancel();
		expect(scene.errors).toEqual([]);
	});

	it('is cut when it reads nothing, which is told once, and gets the rest when it comes back', async () => {
		const scene = await setUp();
		const first = await listen(scene);
		await read(first, 0);
		for (const number of numbersTo(MESSAGES)) {
			sendLong(scene, number);
			await pause(0);
		}
		await expect(read(first, MESSAGES)).rejects.toThrow('the client does not read');
		const seen = [...first.text.matchAll(/^data: (\d+)x+\n/gm)].length;
		const resumed = await listen(scene, lastId(first));
		expect(await read(resumed, MESSAGES - seen)).toEqual(numbersTo(MESSAGES).slice(seen));
		await resumed.reader.cancel();
		expect(scene.errors).toEqual([expect.stringContaining('the client does not read')]);
	});
});
