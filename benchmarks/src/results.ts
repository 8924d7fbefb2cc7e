import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..');
const repository = join(folder, '..');

/** What is counted or measured and kept: a file of `results/`. */
export type ResultName =
	| 'capabilities'
	| 'cold-start'
	| 'fan-out'
	| 'growth'
	| 'memory'
	| 'operations'
	| 'placement'
	| 'resume'
	| 'streams'
	| 'throughput';

/** Generated text of a document. */
export interface Section {
	/** The document's path in the repository. */
	readonly document: string;
	/** The name in its markers. */
	readonly name: string;
	readonly text: string;
}

/** A picture of a result, beside it. */
export interface Picture {
	readonly name: ResultName;
	/** The SVG. */
	readonly text: string;
}

/** What `writeResult` wrote last. */
export function readResult<Result>(name: ResultName): Result {
	// Sound: the file is written by writeResult alone.
	return JSON.parse(readFileSync(resultFile(name), 'utf8')) as Result;
}

/** Keeps a result as JSON. */
export function writeResult(name: ResultName, result: object): void {
	writeFileSync(resultFile(name), `${JSON.stringify(result, null, 2)}\n`);
}

/** Keeps a picture as SVG. */
export function writePicture({ name, text }: Picture): void {
	writeFileSync(pictureFile(name), text);
}

/** The picture that was kept. */
export function readPicture(name: ResultName): string {
	return readFileSync(pictureFile(name), 'utf8');
}

/** Puts generated text between the markers of its document. */
export function writeSection({ document, name, text }: Section): void {
	const { before, after } = split(document, name);
	writeFileSync(join(repository, document), `${before}\n\n${text}\n\n${after}`);
}

/** What stands between the markers of a document. */
export function readSection({ document, name }: Omit<Section, 'text'>): string {
	return split(document, name).text;
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

function split(document: string, name: string): { before: string; text: string; after: string } {
	const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
	const [before, rest, ...more] = readFileSync(join(repository, document), 'utf8').split(begin);
	const [text, after, ...others] = (rest ?? '').split(end);
	if (text === undefined || after === undefined || more.length + others.length > 0) {
		throw new Error(`${document} has to hold ${begin} and ${end} once each`);
	}
	return { before: `${before}${begin}`, text: text.trim(), after: `${end}${after}` };
}

function resultFile(name: ResultName): string {
	return join(folder, 'results', `${name}.json`);
}

function pictureFile(name: ResultName): string {
	return join(folder, 'results', `${name}.svg`);
}
