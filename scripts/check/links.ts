import GithubSlugger from 'github-slugger';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { CommandFailedError } from '../command.ts';
import { repository } from '../workspace.ts';

const documents = '{*.md,{docs,packages,examples,benchmarks,clients}/**/*.md}';
const operations = 'docs/operations.md';
const errors = 'packages/core/src/errors.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Removes code blocks, and brackets inside inline code, which would read as links. */
function proseOf(markdown: string): string {
	return markdown
		.replace(/^ *```[^]*?^ *```$/gm, '')
		.replace(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''));
}

/** Returns the anchors that GitHub gives the headings of a document. */
function anchorsOf(markdown: string): Set<string> {
	const slugger = new GithubSlugger();
	const headings = markdown.replace(/^ *```[^]*?^ *```$/gm, '').matchAll(/^#+ (.+)$/gm);
	return new Set(
		[...headings].map(([, heading = '']) =>
			slugger.slug(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim()),
		),
	);
}

/** Reports links within the repository whose target does not exist. */
function* linkProblems(path: string): Generator<string> {
	for (const [, target = ''] of proseOf(read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
		if (/^[a-z]+:/.test(target)) continue;
		const [file = '', anchor] = target.split('#');
		const found = file === '' ? path : normalize(join(dirname(path), file));
		if (!existsSync(join(repository, found))) yield `${path}: ${target} does not exist`;
		else if (anchor && found.endsWith('.md') && !anchorsOf(read(found)).has(anchor))
			yield `${path}: ${target} names a heading that does not exist`;
	}
}

/** Reports error codes without a row in the operations guide, and rows for codes that do not exist. */
function* codeProblems(): Generator<string> {
	const [union = ''] = /export type ErrorCode =[^;]*/.exec(read(errors)) ?? [];
	const codes = new Set([...union.matchAll(/'([a-z-]+)'/g)].map(([, code = '']) => code));
	const [table = ''] = /<!-- codes: begin -->[^]*<!-- codes: end -->/.exec(read(operations)) ?? [];
	const documented = new Set(
		[...table.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, code = '']) => code),
	);
	documented.delete('code');
	for (const code of codes)
		if (!documented.has(code)) yield `${operations}: has no row for ${code}, a code in ${errors}`;
	for (const code of documented)
		if (!codes.has(code))
			yield `${operations}: has a row for ${code}, which is not a code in ${errors}`;
}

/**
 * Checks the links between the documents, and that the operations guide covers every error code.
 *
 * @throws {CommandFailedError} with one line for each problem.
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
