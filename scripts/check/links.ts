import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { CommandFailedError } from '../command.ts';
import { repository } from '../workspace.ts';

const documents = '{*.md,docs/*.md,{packages,examples,benchmarks}/**/*.md}';
const operations = 'docs/operations.md';
const errors = 'packages/core/src/errors.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** The text without what is quoted as code. */
function proseOf(markdown: string): string {
	return markdown
		.replace(/^ *```[^]*?^ *```$/gm, '')
		.replace(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''));
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
	const anchors = new Set<string>();
	for (const [, heading = ''] of markdown
		.replace(/^ *```[^]*?^ *```$/gm, '')
		.matchAll(/^#+ (.+)$/gm)) {
		const anchor = heading
			.toLowerCase()
			.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
			.replace(/[^\p{L}\p{N}\s_-]/gu, '')
			.trim()
			.replaceAll(' ', '-');
		let unique = anchor;
		for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
		anchors.add(unique);
	}
	return anchors;
}

/** Links within the repository that lead nowhere. */
function* linkProblems(path: string): Generator<string> {
	for (const [, target = ''] of proseOf(read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
		if (/^[a-z]+:/.test(target)) continue;
		const [file = '', anchor] = target.split('#');
		const found = file === '' ? path : normalize(join(dirname(path), file));
		if (!existsSync(join(repository, found))) yield `${path}: ${target} is no file`;
		else if (anchor && found.endsWith('.md') && !anchorsOf(read(found)).has(anchor))
			yield `${path}: ${target} is no heading`;
	}
}

/** Error codes that whoever runs a server finds no advice for, and advice for what is none. */
function* codeProblems(): Generator<string> {
	const [union = ''] = /export type ErrorCode =[^;]*/.exec(read(errors)) ?? [];
	const codes = new Set([...union.matchAll(/'([a-z-]+)'/g)].map(([, code = '']) => code));
	const [table = ''] = /<!-- codes: begin -->[^]*<!-- codes: end -->/.exec(read(operations)) ?? [];
	const told = new Set([...table.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, code = '']) => code));
	told.delete('code');
	for (const code of codes)
		if (!told.has(code)) yield `${operations}: no row for the code ${code} of ${errors}`;
	for (const code of told)
		if (!codes.has(code)) yield `${operations}: ${code} is no code of ${errors}`;
}

/**
 * Checks what the documents say of one another and of the errors.
 *
 * @throws {CommandFailedError} with one line for each deviation
 */
export function checkLinks(): string {
	const paths = globSync(documents, {
		cwd: repository,
		exclude: (path) => /(?:^|\/)(?:node_modules|CHANGELOG\.md)$/.test(path),
	}).toSorted();
	const problems = [...paths.flatMap((path) => [...linkProblems(path)]), ...codeProblems()];
	if (problems.length > 0) throw new CommandFailedError(problems.join('\n'));
	return `${paths.length} documents`;
}
