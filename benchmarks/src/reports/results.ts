import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const benchmarks = join(import.meta.dirname, '../..');
/** The folder of the results and the charts. */
export const resultsFolder: string = join(benchmarks, 'results');

/** Reads a stored result. */
export function readResult<Result>(name: string): Result {
	// Safe because only writeResult writes the file.
	return JSON.parse(readFileSync(join(resultsFolder, `${name}.json`), 'utf8')) as Result;
}

/** Stores a result as JSON. */
export function writeResult(name: string, result: object): void {
	const text = `${JSON.stringify(result, null, 2)}\n`;
	writeFileSync(join(resultsFolder, `${name}.json`), text);
}

/** Returns the installed version of a measured package; for workerd the one that miniflare runs. */
export function versionOf(packageName: string): string {
	const folder = join(benchmarks, 'node_modules', packageName, 'package.json');
	const miniflare = realpathSync(join(benchmarks, 'node_modules/miniflare/package.json'));
	const manifest =
		packageName === 'workerd' ? createRequire(miniflare).resolve('workerd/package.json') : folder;
	// Safe because every installed package has a version.
	return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
