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

/** Returns the paths of the modules whose code is in the bundle of a Worker. */
async function bundledModules(main: string): Promise<string[]> {
	const { metafile } = await build({ ...workerBundle, entryPoints: [main], metafile: true });
	return Object.values(metafile.outputs).flatMap(({ inputs }) =>
		Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
			bytesInOutput > 0 ? [path] : [],
		),
	);
}

it('has a bundle without tmcp and its transports', async () => {
	const modules = await bundledModules(entry);
	expect(modules.filter((path) => /\/(tmcp|@tmcp\/transport-[^/]+)\//.test(path))).toEqual([]);
	expect(modules.join()).toContain('/@modelcontextprotocol/server/');
});

it('leaves the SDK out of the bundle of a tmcp server', async () => {
	const modules = await bundledModules(join(import.meta.dirname, '../../minimal/src/index.ts'));
	expect(modules.filter((path) => path.includes('/@modelcontextprotocol/'))).toEqual([]);
	expect(modules.join()).toContain('/tmcp/');
});
