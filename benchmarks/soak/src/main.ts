import { isSound } from './ledger.ts';
import { readOptions, usage } from './options.ts';
import { formatReport } from './report.ts';
import { soak } from './soak.ts';
import type { SoakOptions } from './soak.ts';

async function main(options: SoakOptions): Promise<void> {
	const given = Object.entries(options).map(([name, value]) => `--${name} ${value}`);
	console.log(given.join(' '));
	const startMs = performance.now();
	const result = await soak(options, (line) => {
		const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
		console.error(`${seconds.padStart(5)} s  ${line}`);
	});
	console.log(formatReport(result));
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
