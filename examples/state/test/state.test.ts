import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkDrafts } from '../client/check.ts';

let workers: Workers<'a' | 'b'>;

beforeAll(async () => {
	workers = await startWorkers({
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		workers: ['a', 'b'],
		durableObjects: {},
	});
});
afterAll(() => workers.stop());

it('keeps drafts for the official client in both eras, with each connection to another isolate', async () => {
	let connections = 0;
	const checks = await checkDrafts(() => workers.url((connections += 1) % 2 === 0 ? 'a' : 'b'));
	expect(checks.filter(({ holds }) => !holds)).toEqual([]);
	expect(checks).toHaveLength(5);
}, 60_000);
