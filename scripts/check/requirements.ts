import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { CommandFailedError, describeFailure } from '../command.ts';
import { readJson, repository } from '../workspace.ts';

const manifestPath = 'packages/http/test/requirements/manifest.json';
const documentPath = 'docs/guarantees.md';
const begin = '<!-- requirements: begin -->';
const end = '<!-- requirements: end -->';

/** A requirement of the protocol, paraphrased. */
interface Requirement {
	/** Kebab-case name that follows the id in test titles: `L15 stream-takeover`. */
	name: string;
	requirement: string;
	/** URL of the section of the specification. */
	source: string;
	/** The parts that fulfill the requirement, such as `handler`. */
	keptBy: string[];
	/** What prevents the requirement from being fulfilled, if it is not fulfilled yet. */
	missing?: string;
}

type Requirements = Record<string, Requirement>;

/** A test title, or the name of a case, that mentions a requirement. */
interface Mention {
	id: string;
	/** The kebab-case word after the id; empty if another word follows. */
	name: string;
	path: string;
}

/** Headings of the generated tables, by the first letter of the ids below them. */
const eras: Record<string, string> = {
	L: 'Session-based revisions: 2025-06-18 and 2025-11-25',
	M: 'Stateless revision: 2026-07-28',
};

/** The test files that vitest runs, and the cases of the suites that the test kit exports. */
const testSources = [
	'packages/*/test/**/*.test.ts',
	'packages/testkit/src/cases/*-cases.ts',
	'{examples/*,benchmarks}/test/**/*.test.ts',
];

/** Matches the titles of tests, groups and `it.each(…)`, and the names of suite cases. */
const title =
	/(?:\b(?:it|test|describe)(?:\.(?:concurrent|sequential))?\(|\)\(|^\t+name:)\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/gm;

const mention = /\b([LM]\d+)\b(?: ([a-z\d]+(?:-[a-z\d]+)*))?/g;

const specification =
	/^https:\/\/modelcontextprotocol\.io\/(?:specification|docs)\/\d{4}-\d\d-\d\d\/[\w/-]+#[\w-]+$|^https:\/\/modelcontextprotocol\.io\/extensions\/[\w/-]+$/;

/** Returns every mention of a requirement in a test title, in the order of the paths. */
function findMentions(): Mention[] {
	return globSync(testSources, { cwd: repository })
		.toSorted()
		.flatMap((path) => {
			const source = readFileSync(join(repository, path), 'utf8');
			return [...source.matchAll(title)]
				.flatMap(([, , text = '']) => [...text.matchAll(mention)])
				.map(([, id = '', name = '']) => ({ id, name, path }));
		});
}

/** Returns the paths of the tests of one requirement, each once. */
function testsOf(id: string, mentions: readonly Mention[]): string[] {
	return [...new Set(mentions.filter((each) => each.id === id).map(({ path }) => path))];
}

function* problems(requirements: Requirements, mentions: readonly Mention[]): Generator<string> {
	const names = new Set<string>();
	for (const [id, { name, source, missing }] of Object.entries(requirements)) {
		if (!(id.charAt(0) in eras)) yield `${manifestPath}: ${id} must begin with L or M`;
		if (names.has(name)) yield `${manifestPath}: ${id} must have a unique name; got ${name}`;
		names.add(name);
		if (!specification.test(source))
			yield `${manifestPath}: the source of ${id} must be a section of the specification; got ${source}`;
		if (missing === undefined && testsOf(id, mentions).length === 0)
			yield `${id} ${name} has no test: add it to the title of a test, or set "missing" in ${manifestPath}`;
	}
	for (const { id, name, path } of mentions) {
		const expected = requirements[id]?.name;
		if (expected === undefined)
			yield `${path}: a title mentions ${id}, which ${manifestPath} lacks`;
		else if (name !== expected)
			yield `${path}: a title must contain "${id} ${expected}"; got "${`${id} ${name}`.trim()}"`;
	}
}

/** Returns the requirements of one era as a Markdown table. */
function table(requirements: Requirements, era: string, mentions: readonly Mention[]): string {
	const rows = Object.entries(requirements)
		.filter(([id]) => id.startsWith(era))
		.map(([id, { name, requirement, source, keptBy, missing }]) => {
			const links = testsOf(id, mentions).map((path) => {
				const [, folder = ''] = path.split('/');
				const file = basename(path, '.ts').replace(/\.test$/, '');
				return `[${folder}/${file}](${relative('docs', path)})`;
			});
			const proof = [...(missing === undefined ? [] : [`not yet: ${missing}`]), ...links];
			return `| ${id} | [${name}](${source}) | ${requirement} | ${keptBy.join(', ')} | ${proof.join(', ')} |`;
		});
	return ['| id | name | guarantee | kept by | tests |', '|---|---|---|---|---|', ...rows].join(
		'\n',
	);
}

/** Returns the document with the generated text between its markers. */
function replaceGenerated(document: string, text: string): string {
	const [before, rest = '', ...more] = document.split(begin);
	const [, after, ...others] = rest.split(end);
	if (after === undefined || more.length + others.length > 0)
		throw new CommandFailedError(`${documentPath} must contain ${begin} and ${end} once each`);
	return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

/**
 * Checks that every fulfilled requirement has a test, that test titles give the id of a requirement
 * together with its name, and that `docs/guarantees.md` is up to date.
 *
 * @param write updates the document instead of comparing it.
 * @throws {CommandFailedError} with one line for each deviation.
 */
export function checkRequirements(write = false): string {
	const requirements = readJson<Requirements>(manifestPath);
	const mentions = findMentions();
	const found = [...problems(requirements, mentions)];
	// The formatter would pad every row to the width of the longest, so that one new test changes all.
	const sections = Object.entries(eras).map(
		([era, heading]) =>
			`### ${heading}\n\n<!-- prettier-ignore -->\n${table(requirements, era, mentions)}`,
	);
	const path = join(repository, documentPath);
	const current = readFileSync(path, 'utf8');
	const document = replaceGenerated(current, sections.join('\n\n'));
	if (write) writeFileSync(path, document);
	else if (current !== document)
		found.push(
			`${documentPath} is out of date; run: npx node scripts/check/requirements.ts --write`,
		);
	if (found.length > 0) throw new CommandFailedError(found.join('\n'));
	return `${Object.keys(requirements).length} requirements`;
}

if (import.meta.main) {
	try {
		checkRequirements(process.argv.includes('--write'));
	} catch (failure) {
		console.error(describeFailure(failure));
		process.exitCode = 1;
	}
}
