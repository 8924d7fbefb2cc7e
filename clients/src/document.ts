import { readFileSync, writeFileSync } from 'node:fs';
import { installedVersion } from './client-adapter.ts';
import { adapters } from './clients/all.ts';
import { readResults } from './results.ts';
import type { Results } from './results.ts';
import { formatTable } from './table.ts';

const path = new URL('../../docs/clients.md', import.meta.url);
const begin = '<!-- clients: begin -->';
const end = '<!-- clients: end -->';

/** Writes the table of these results into `docs/clients.md`. */
export function writeDocument(results: Results): void {
	const [before, , after] = split();
	writeFileSync(path, `${before}${begin}\n\n${formatTable(results)}\n\n${end}${after}`);
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
	if (split()[1].trim() !== formatTable(results))
		problems.push('docs/clients.md: the table differs from clients/results.json');
	return problems;
}

function split(): [before: string, between: string, after: string] {
	const source = readFileSync(path, 'utf8');
	const [before = '', rest = ''] = source.split(begin);
	const [between, after] = rest.split(end);
	if (between === undefined || after === undefined)
		throw new Error(`docs/clients.md must contain ${begin} and ${end} once each`);
	return [before, between, after];
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
