import { startWorkers, workerBundle } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { build } from 'esbuild';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { check } from '../src/client.ts';

const entry = join(import.meta.dirname, '../src/index.ts');

describe('on two isolates', () => {
	let workers: Workers<'a' | 'b'>;

	beforeAll(async () => {
		workers = await startWorkers({ entry, workers: ['a', 'b'] });
	});
	afterAll(() => workers.stop());

	it.each([
		{ era: 'session-based', session: true },
		{ era: 'stateless', session: false },
	] as const)('passes the checks of a $era client', async ({ era, session }) => {
		const url = new URL('/mcp', workers.url('a'));
		let count = 0;
		// Sends each request to the other isolate.
		const found = await check(url, era, (input, init) => {
			const target = new URL(input instanceof Request ? input.url : input);
			target.port = workers.url((count += 1) % 2 === 0 ? 'a' : 'b').port;
			return fetch(target, init);
		});
		expect(found).toEqual({ text: 'Hello, Ada!', updated: 'greetings://latest', session });
	});
});

it('has a bundle without tmcp and its transports', async () => {
	const { metafile } = await build({ ...workerBundle, entryPoints: [entry], metafile: true });
	const [output] = Object.values(metafile.outputs);
	const bytes = Object.entries(output?.inputs ?? {}).filter(([path, { bytesInOutput }]) => {
		const inPackage = /node_modules\/(tmcp|@tmcp\/transport-[^/]+)\//.test(path);
		return bytesInOutput > 0 && inPackage;
	});
	expect(bytes).toEqual([]);
	expect(Object.keys(output?.inputs ?? {}).join()).toContain('@modelcontextprotocol/server');
});
