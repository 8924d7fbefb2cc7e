import { describe, expect, it } from 'vitest';

import { ClientWriter } from '../src/response/client-writer.ts';

const MEBIBYTE = 1_024 * 1_024;
const frames = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(0x61);

function setUp(): {
	writer: ClientWriter;
	disconnects: string[];
	readable: ReadableStream<Uint8Array>;
} {
	const disconnects: string[] = [];
	const writer = new ClientWriter(() => disconnects.push('disconnected'));
	return { writer, disconnects, readable: writer.readable };
}

describe('ClientWriter', () => {
	it('delivers all frames in order, then ends', async () => {
		const { writer, disconnects, readable } = setUp();
		const text = new Response(readable).text();
		for (const word of ['one ', 'two ', 'three']) writer.write(new TextEncoder().encode(word));
		await writer.close();
		expect(await text).toBe('one two three');
		expect(disconnects).toEqual([]);
	});

	it('buffers one mebibyte for a stalled reader, then disconnects the client', async () => {
		const { writer, disconnects, readable } = setUp();
		for (let count = 0; count < 16; count++) writer.write(frames(MEBIBYTE / 16));
		expect(disconnects).toEqual([]);
		writer.write(frames(1));
		expect(disconnects).toEqual(['disconnected']);
		expect(writer.hasLeft).toBe(true);
		await expect(new Response(readable).text()).rejects.toThrow('does not read');
		writer.write(frames(1));
		await writer.close();
		expect(disconnects).toEqual(['disconnected']);
	});

	it('settles every pending promise when the client is disconnected, even if it still does not read', async () => {
		const { writer } = setUp();
		writer.write(frames(1));
		writer.write(frames(1));
		const drained = writer.drained;
		// Disconnect only after the first write has started.
		await new Promise((resolve) => setTimeout(resolve, 0));
		writer.cut();
		await expect(Promise.all([drained, writer.drained, writer.close()])).resolves.toHaveLength(3);
	});

	it('accepts one message of any size if its buffer is empty', async () => {
		const { writer, disconnects, readable } = setUp();
		const body = new Response(readable).arrayBuffer();
		writer.write(frames(3 * MEBIBYTE));
		await writer.close();
		expect((await body).byteLength).toBe(3 * MEBIBYTE);
		expect(disconnects).toEqual([]);
	});

	it('ends when the client disconnects, and reports that once', async () => {
		const { writer, disconnects, readable } = setUp();
		await readable.cancel();
		writer.write(frames(1));
		await writer.close();
		expect(disconnects).toEqual(['disconnected']);
		expect(writer.isIdle).toBe(false);
	});
});
