import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { McpServer } from 'tmcp';
import { describe, expect, it } from 'vitest';

import { internalIdOf } from './local-handler.ts';

const URL_OF_MCP = 'https://example.com/mcp';
const REVISION = '2025-11-25';
/** Exceeds the buffer of one client, but not the event log. */
const MESSAGES = 15;
const LENGTH = 200_000;

/** A handler with one session. */
interface Setup {
	readonly mcp: McpHandler;
	readonly streams: InMemoryStreamSessionManager;
	readonly errors: string[];
	readonly session: string;
}

async function setUp(): Promise<Setup> {
	const errors: string[] = [];
	const onError = (error: Error): void => void errors.push(error.message);
	const streams = new InMemoryStreamSessionManager({ onError });
	const info = new StoredInfoSessionManager(new InMemorySessionStore(), { onError });
	const server = new McpServer({ name: 'test', version: '1.0.0' }, { adapter: undefined });
	const mcp = createMcpHandler(server, {
		info,
		streams,
		onError,
		keepAliveSeconds: 0.05,
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

/** Opens the GET stream, or resumes it. */
async function openStream({ mcp, session }: Setup, lastEventId?: string): Promise<Reading> {
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

/** A stream and the text read from it. */
interface Reading {
	readonly reader: ReadableStreamDefaultReader<Uint8Array>;
	text: string;
}

/** Reads until this many messages have arrived; returns their numbers. */
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
const numbersBelow = (length: number): number[] => Array.from({ length }, (_, index) => index);

function sendLong({ streams, session }: Setup, number: number): void {
	streams.send([internalIdOf(session)], `data: ${number}${'x'.repeat(LENGTH)}\n\n`);
}

describe('a client that reads slowly', { timeout: 10_000 }, () => {
	it('L20 event-replay: receives every missed message when it resumes, even if the replay exceeds its buffer', async () => {
		const setup = await setUp();
		const first = await openStream(setup);
		await read(first, 0);
		await first.reader.cancel();
		for (const number of numbersBelow(MESSAGES)) sendLong(setup, number);
		const resumed = await openStream(setup, lastId(first));
		await pause(100);
		// A live message arrives while most of the replay is unread.
		sendLong(setup, MESSAGES);
		expect(await read(resumed, MESSAGES + 1)).toEqual(numbersBelow(MESSAGES + 1));
		await resumed.reader.cancel();
		expect(setup.errors).toEqual([]);
	});

	it('is disconnected if it does not read, is reported once, and receives the rest when it resumes', async () => {
		const setup = await setUp();
		const first = await openStream(setup);
		await read(first, 0);
		for (const number of numbersBelow(MESSAGES)) {
			sendLong(setup, number);
			await pause(0);
		}
		await expect(read(first, MESSAGES)).rejects.toThrow('the client does not read');
		const received = [...first.text.matchAll(/^data: (\d+)x+\n/gm)].length;
		const resumed = await openStream(setup, lastId(first));
		expect(await read(resumed, MESSAGES - received)).toEqual(
			numbersBelow(MESSAGES).slice(received),
		);
		await resumed.reader.cancel();
		expect(setup.errors).toEqual([expect.stringContaining('the client does not read')]);
	});
});
