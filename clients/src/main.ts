import { parseArgs } from 'node:util';
import { stepNames, titleOf } from './client-adapter.ts';
import type { ClientAdapter } from './client-adapter.ts';
import { adapters } from './clients/all.ts';
import { writeDocument } from './document.ts';
import { pairs, runClient, startMatrixWorkers } from './matrix.ts';
import type { MatrixWorkers, Pair, PairResult } from './matrix.ts';
import { summarize, writeResults } from './results.ts';
import type { ClientResult } from './results.ts';
import { formatTable } from './table.ts';

const usage = `Usage: npm run clients -- [--client NAME] [--pair ${pairs.join(' | ')}] [--write]

Runs the clients whose name contains NAME (default: all) with these managers (default: all).
--write publishes the results in clients/results.json and docs/clients.md.`;

interface Options {
	readonly clients: readonly ClientAdapter[];
	readonly pairs: readonly Pair[];
	readonly write: boolean;
}

function readOptions(): Options {
	const { values } = parseArgs({
		options: {
			client: { type: 'string', default: '' },
			pair: { type: 'string' },
			write: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(usage);
		process.exit(0);
	}
	const clients = adapters.filter((adapter) => titleOf(adapter).includes(values.client));
	const chosen = pairs.filter((pair) => (values.pair ?? pair) === pair);
	if (clients.length === 0 || chosen.length === 0) throw new Error(`nothing to run\n\n${usage}`);
	if (values.write && chosen.length !== pairs.length) throw new Error('--write requires all pairs');
	return { clients, pairs: chosen, write: values.write };
}

/** Runs one client with each pair at the same time: most steps wait. */
async function runWithEach(
	adapter: ClientAdapter,
	chosen: readonly Pair[],
	workers: MatrixWorkers,
): Promise<ClientResult> {
	const start = performance.now();
	process.stderr.write(`${titleOf(adapter)} … `);
	const readiness = await adapter.prepare();
	const results = new Map<Pair, PairResult>();
	if ('version' in readiness) {
		const running = chosen.map(async (pair) => {
			results.set(pair, await runClient(adapter, pair, workers));
		});
		await Promise.all(running);
	}
	process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
	return summarize(adapter, readiness, results);
}

/** Counts the steps of all clients with all pairs. */
function countSteps(
	clients: readonly ClientResult[],
	pairCount: number,
): { passed: number; failed: number; skipped: number } {
	const counts = { passed: 0, failed: 0, skipped: 0 };
	for (const { notRun, lacks, failures } of clients) {
		for (const step of stepNames) {
			if (lacks[step] !== undefined) continue;
			const failed = failures[step]?.pairs ?? 0;
			if (notRun !== undefined) counts.skipped += pairCount;
			else counts.passed += pairCount - failed;
			counts.failed += failed;
		}
	}
	return counts;
}

async function main(): Promise<void> {
	const options = readOptions();
	const log: string[] = [];
	const workers = await startMatrixWorkers((line) => log.push(line));
	const clients: ClientResult[] = [];
	try {
		for (const adapter of options.clients) {
			clients.push(await runWithEach(adapter, options.pairs, workers));
		}
	} finally {
		await workers.stop();
	}
	const results = { pairs: options.pairs.length, clients };
	console.log(`\n${formatTable(results)}`);
	const errors = log.filter((line) => /error|hung|uncaught/i.test(line));
	if (errors.length > 0) console.log(`\nThe Workers logged:\n${errors.slice(0, 20).join('\n')}`);
	if (options.write) {
		writeDocument(writeResults(results, adapters.map(titleOf)));
	}
	const { passed, failed, skipped } = countSteps(clients, options.pairs.length);
	const notRun = skipped === 0 ? '' : `, ${skipped} skipped`;
	console.log(`\n${passed} passed, ${failed} failed${notRun}`);
	process.exitCode = failed === 0 ? 0 : 1;
}

await main();
