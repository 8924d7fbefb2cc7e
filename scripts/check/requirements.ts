import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { CommandFailedError, describeFailure } from '../command.ts';
import { readJson, repository } from '../workspace.ts';

const manifestPath = 'packages/http/test/requirements/manifest.json';
const documentPath = 'docs/guarantees.md';
const begin = '<!-- requirements: begin -->';
const end = '<!-- requirements: end -->';

/** What a line of the protocol asks for, in the words of this project. */
interface Requirement {
	requirement: string;
	/** What keeps it, such as `handler`. */
	kept: string[];
	/** What it waits for; a requirement without it is held. */
	missing?: string;
}

/** Files with tests: those that vitest runs, and the cases of the suites that the test kit shares. */
const testSources = [
	'packages/*/test/**/*.test.ts',
	'packages/testkit/src/cases/*-cases.ts',
	'{examples/*,benchmarks}/test/**/*.test.ts',
];

/** What a test, a group of tests, a call of `it.each(…)` or a case of a suite is named. */
const title =
	/(?:\b(?:it|test|describe)(?:\.(?:concurrent|sequential))?\(|\)\(|^\t+name:)\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/gm;

/** The files whose tests name a requirement, by its id. */
function findTests(): Map<string, string[]> {
	const found = new Map<string, string[]>();
	for (const path of globSync(testSources, { cwd: repository }).toSorted()) {
		const source = readFileSync(join(repository, path), 'utf8');
		const titles = [...source.matchAll(title)].map(([, , text = '']) => text).join('\n');
		for (const id of new Set(titles.match(/\b[LM]\d+\b/g))) {
			found.set(id, [...(found.get(id) ?? []), path]);
		}
	}
	return found;
}

function* problems(
	requirements: Record<string, Requirement>,
	tests: Map<string, string[]>,
): Generator<string> {
	for (const [id, { missing }] of Object.entries(requirements)) {
		if (missing === undefined && !tests.has(id))
			yield `${id} has no test: name one after it, or say in ${manifestPath} what is missing`;
	}
	for (const [id, paths] of tests) {
		if (!Object.hasOwn(requirements, id))
			yield `${paths.join(', ')}: a test names ${id}, which ${manifestPath} does not know`;
	}
}

/** The table of all requirements, as Markdown. */
function table(requirements: Record<string, Requirement>, tests: Map<string, string[]>): string {
	const rows = Object.entries(requirements).map(([id, { requirement, kept, missing }]) => {
		const links = (tests.get(id) ?? []).map((path) => {
			const [, folder = ''] = path.split('/');
			const name = basename(path, '.ts').replace(/\.test$/, '');
			return `[${folder}/${name}](${relative('docs', path)})`;
		});
		const proof = [...(missing === undefined ? [] : [`not yet: ${missing}`]), ...links];
		return `| ${id} | ${requirement} | ${kept.join(', ')} | ${proof.join(', ')} |`;
	});
	return ['| | guarantee | kept by | tests |', '|---|---|---|---|', ...rows].join('\n');
}

/** The document with this table between its markers, formatted as the formatter has it. */
async function documentWith(text: string): Promise<string> {
	const path = join(repository, documentPath);
	const document = readFileSync(path, 'utf8');
	const [before, rest = '', ...more] = document.split(begin);
	const [, after, ...others] = rest.split(end);
	if (after === undefined || more.length + others.length > 0)
		throw new CommandFailedError(`${documentPath} has to hold ${begin} and ${end} once each`);
	const options = await resolveConfig(path);
	return format(`${before}${begin}\n\n${text}\n\n${end}${after}`, { ...options, filepath: path });
}

/**
 * Checks that every requirement of the protocol that is held has a test named after it, that no test
 * names another, and that `docs/guarantees.md` says so.
 *
 * @param write whether the document is brought up to date instead.
 * @throws {CommandFailedError} with one line for each deviation
 */
export async function checkRequirements(write = false): Promise<string> {
	const requirements = readJson<Record<string, Requirement>>(manifestPath);
	const tests = findTests();
	const found = [...problems(requirements, tests)];
	const document = await documentWith(table(requirements, tests));
	const path = join(repository, documentPath);
	if (write) writeFileSync(path, document);
	else if (readFileSync(path, 'utf8') !== document)
		found.push(
			`${documentPath} is out of date; run: npx node scripts/check/requirements.ts --write`,
		);
	if (found.length > 0) throw new CommandFailedError(found.join('\n'));
	return '';
}

if (import.meta.main) {
	try {
		await checkRequirements(process.argv.includes('--write'));
	} catch (failure) {
		console.error(describeFailure(failure));
		process.exitCode = 1;
	}
}
