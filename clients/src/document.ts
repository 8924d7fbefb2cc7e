import { readFileSync, writeFileSync } from 'node:fs';
import { installedVersion } from './client-adapter.ts';
import { adapters } from './clients/all.ts';
import { readResults } from './results.ts';
import type { Results } from './results.ts';
import { formatTable } from './table.ts';

const document = 'docs/clients.md';
const section = 'clients';

/** Writes the table of these results into `docs/clients.md`. */
export function writeDocument(results: Results): void {
	writeSection(document, section, formatTable(results));
}

/** Writes the text of a generated section of a document. */
export function writeSection(path: string, name: string, text: string): void {
	const { before, begin, end, after } = split(path, name);
	writeFileSync(urlOf(path), `${before}${begin}\n\n${text}\n\n${end}${after}`);
}

/** Reports a table that differs from `results.json`, and results of other clients or versions. */
export function documentProblems(): string[] {
	const results = readResults();
	const problems = results.clients
		.filter(({ registry }) => registry === 'npm')
		.filter(({ package: name, version }) => version !== installedVersion(name))
		.map(
			({ package: name, version }) =>
				`clients/results.json: ${name} is ${version}, installed is ${installedVersion(name)}`,
		);
	if (results.clients.length !== adapters.length)
		problems.push(
			`clients/results.json: has ${results.clients.length} clients, expected ${adapters.length}`,
		);
	if (split(document, section).between.trim() !== formatTable(results))
		problems.push('docs/clients.md: the table differs from clients/results.json');
	return problems;
}

function split(path: string, name: string) {
	const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
	const [before = '', rest = ''] = readFileSync(urlOf(path), 'utf8').split(begin);
	const [between, after] = rest.split(end);
	if (between === undefined || after === undefined)
		throw new Error(`${path} must contain ${begin} and ${end} once each`);
	return { before, begin, between, end, after };
}

function urlOf(path: string): URL {
	return new URL(`../../${path}`, import.meta.url);
}

// Run as a check: `npm run clients -- --write` updates both files.
if (import.meta.main) {
	const problems = documentProblems();
	for (const problem of problems) console.error(problem);
	if (problems.length > 0) {
		console.error('Run npm run clients -- --write.');
		process.exitCode = 1;
	}
}
