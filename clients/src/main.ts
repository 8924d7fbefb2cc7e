import { parseArgs } from 'node:util';
import { titleOf } from './client-adapter.ts';
import type { ClientAdapter } from './client-adapter.ts';
import { adapters } from './clients/all.ts';
import { writeDocument } from './document.ts';
import { pairs, startMatrixWorkers, targetOf } from './matrix.ts';
import type { Pair } from './matrix.ts';
import { countSteps, writeResults } from './results.ts';
import type { Results } from './results.ts';
import { runMatrix } from './run-matrix.ts';
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

async function main(): Promise<void> {
	const options = readOptions();
	const log: string[] = [];
	const workers = await startMatrixWorkers((line) => log.push(line));
	let results: Results;
	try {
		results = await runMatrix(options.clients, options.pairs, targetOf(workers));
	} finally {
		await workers.stop();
	}
	console.log(`\n${formatTable(results)}`);
	const errors = log.filter((line) => /error|hung|uncaught/i.test(line));
	if (errors.length > 0) console.log(`\nThe Workers logged:\n${errors.slice(0, 20).join('\n')}`);
	if (options.write) {
		writeDocument(writeResults(results, adapters.map(titleOf)));
	}
	const { passed, failed, skipped } = countSteps(results);
	const notRun = skipped === 0 ? '' : `, ${skipped} skipped`;
	console.log(`\n${passed} passed, ${failed} failed${notRun}`);
	process.exitCode = failed === 0 ? 0 : 1;
}

await main();
