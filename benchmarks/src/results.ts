import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..');
const readme = join(folder, 'README.md');

/** What is measured and kept: a file of `results/`, and a section of the README. */
export type ResultName = 'operations' | 'throughput';

/** What `writeResult` wrote last. */
export function readResult<Result>(name: ResultName): Result {
	// Sound: the file is written by writeResult alone.
	return JSON.parse(readFileSync(resultFile(name), 'utf8')) as Result;
}

/** Keeps a result as JSON, and as text in the README. */
export function writeResult(name: ResultName, result: object, text: string): void {
	writeFileSync(resultFile(name), `${JSON.stringify(result, null, 2)}\n`);
	const { before, after } = readmeSection(name);
	writeFileSync(readme, `${before}\n\n${text}\n\n${after}`);
}

/** A generated section of the README, between its markers, and what stands around it. */
export function readmeSection(name: ResultName): { before: string; text: string; after: string } {
	const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
	const [before, rest, ...more] = readFileSync(readme, 'utf8').split(begin);
	const [text, after, ...others] = (rest ?? '').split(end);
	if (text === undefined || after === undefined || more.length + others.length > 0) {
		throw new Error(`${readme} has to hold ${begin} and ${end} once each`);
	}
	return { before: `${before}${begin}`, text: text.trim(), after: `${end}${after}` };
}

/** The version of a package that is measured; of workerd the one that miniflare runs. */
export function versionOf(packageName: string): string {
	const installed = join(folder, 'node_modules');
	const manifest =
		packageName === 'workerd'
			? createRequire(realpathSync(join(installed, 'miniflare/package.json'))).resolve(
					'workerd/package.json',
				)
			: join(installed, packageName, 'package.json');
	// Sound: every installed package has one.
	return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

function resultFile(name: ResultName): string {
	return join(folder, 'results', `${name}.json`);
}
