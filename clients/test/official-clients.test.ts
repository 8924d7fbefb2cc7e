import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { titleOf } from '../src/client-adapter.ts';
import { sdk1 } from '../src/clients/sdk-1.ts';
import { sdk2, sdk2Stateless } from '../src/clients/sdk-2.ts';
import { runClient, startMatrixWorkers, targetOf } from '../src/matrix.ts';
import type { MatrixWorkers } from '../src/matrix.ts';

const log: string[] = [];
let workers: MatrixWorkers;

beforeAll(async () => {
	workers = await startMatrixWorkers((line) => log.push(line));
});
afterAll(() => workers.stop());

// The whole matrix is `npm run clients`; these run with every change.
describe.each([sdk1, sdk2, sdk2Stateless].map((adapter) => ({ title: titleOf(adapter), adapter })))(
	'$title',
	// The steps mostly wait.
	{ concurrent: true },
	({ adapter }) => {
		it.each(['kv', 'session-object'] as const)('takes every step with %s', async (pair) => {
			const { failures } = await runClient(adapter, pair, targetOf(workers));
			expect(failures).toEqual({});
		});
	},
);

it('the Workers log no error', () => {
	expect(log.filter((line) => /error|hung|uncaught/i.test(line))).toEqual([]);
});
