import { describe, expect, it } from 'vitest';

import { ClientWriter } from '../src/response/client-writer.ts';

const MEBIBYTE = 1_024 * 1_024;
const frames = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(0x61);

function setUp(): { outlet: ClientWriter; left: string[]; readable: ReadableStream<Uint8Array> } {
	const left: string[] = [];
	const outlet = new ClientWriter(() => left.push('left'));
	return { outlet, left, readable: outlet.readable };
}

describe('what goes to a client', () => {
	it('arrives whole and in order, and ends', async () => {
		const { outlet, left, readable } = setUp();
		const text = new Response(readable).text();
		for (const word of ['one ', 'two ', 'three']) outlet.write(new TextEncoder().encode(word));
		await outlet.close();
		expect(await text).toBe('one two three');
		expect(left).toEqual([]);
	});

	it('waits for a reader that stalls up to a mebibyte, and then the client is cut', async () => {
		const { outlet, left, readable } = setUp();
		for (let count = 0; count < 16; count++) outlet.write(frames(MEBIBYTE / 16));
		expect(left).toEqual([]);
		outlet.write(frames(1));
		expect(left).toEqual(['left']);
		expect(outlet.hasLeft).toBe(true);
		await expect(new Response(readable).text()).rejects.toThrow('does not read');
		outlet.write(frames(1));
		await outlet.close();
		expect(left).toEqual(['left']);
	});

	it('keeps nobody waiting for a client that was cut, although it still does not read', async () => {
		const { outlet } = setUp();
		outlet.write(frames(1));
		outlet.write(frames(1));
		const taken = outlet.drained;
		// Until its first write is on its way, it is let go of.
		await new Promise((resolve) => setTimeout(resolve, 0));
		outlet.cut();
		await expect(Promise.all([taken, outlet.drained, outlet.close()])).resolves.toHaveLength(3);
	});

	it('may be one message of any size, where nothing else waits', async () => {
		const { outlet, left, readable } = setUp();
		const body = new Response(readable).arrayBuffer();
		outlet.write(frames(3 * MEBIBYTE));
		await outlet.close();
		expect((await body).byteLength).toBe(3 * MEBIBYTE);
		expect(left).toEqual([]);
	});

	it('ends with a client that leaves, who is noticed once', async () => {
		const { outlet, left, readable } = setUp();
		await readable.cancel();
		outlet.write(frames(1));
		await outlet.close();
		expect(left).toEqual(['left']);
		expect(outlet.isIdle).toBe(false);
	});
});
