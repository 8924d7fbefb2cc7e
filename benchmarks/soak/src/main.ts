import { isSound } from './ledger.ts';
import { readOptions, usage } from './options.ts';
import type { SoakOptions } from './options.ts';
import { reportOf } from './report.ts';
import { soak } from './soak.ts';

async function main(options: SoakOptions): Promise<void> {
	const given = Object.entries(options).map(([name, value]) => `--${name} ${value}`);
	console.log(given.join(' '));
	const start = performance.now();
	const result = await soak(options, (line) => {
		console.error(`${((performance.now() - start) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
	});
	console.log(reportOf(result));
	process.exitCode = isSound(result.total) ? 0 : 1;
}

try {
	const options = readOptions(process.argv.slice(2));
	if (options === 'help') console.log(usage);
	else await main(options);
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
}
