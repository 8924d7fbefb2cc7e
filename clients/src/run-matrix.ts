import { titleOf } from './client-adapter.ts';
import type { ClientAdapter } from './client-adapter.ts';
import { runClient } from './matrix.ts';
import type { MatrixTarget, Pair, PairResult } from './matrix.ts';
import { summarize } from './results.ts';
import type { ClientResult, Results } from './results.ts';

/** Runs these clients with these pairs, one client after another, and prints the time of each. */
export async function runMatrix(
	adapters: readonly ClientAdapter[],
	pairs: readonly Pair[],
	target: MatrixTarget,
): Promise<Results> {
	const clients: ClientResult[] = [];
	for (const adapter of adapters) clients.push(await runWithEach(adapter, pairs, target));
	return { pairs: pairs.length, clients };
}

/** Runs one client with each pair at the same time: most steps wait. */
async function runWithEach(
	adapter: ClientAdapter,
	pairs: readonly Pair[],
	target: MatrixTarget,
): Promise<ClientResult> {
	const start = performance.now();
	process.stderr.write(`${titleOf(adapter)} … `);
	const readiness = await adapter.prepare();
	const results = new Map<Pair, PairResult>();
	if ('version' in readiness) {
		const running = pairs.map(async (pair) => {
			results.set(pair, await runClient(adapter, pair, target));
		});
		await Promise.all(running);
	}
	process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
	return summarize(adapter, readiness, results);
}
