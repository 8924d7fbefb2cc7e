import { globSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { CommandFailedError, describeFailure, runCommand } from '../command.ts';
import { findPackages, repository } from '../workspace.ts';
import { optionTablesOf, undocumentedOptions } from './option-tables.ts';
import { readersNames } from './snippet-names.ts';
import { type Snippet, snippetsOf } from './snippet.ts';

/** Pages whose snippets readers copy. */
const pages = ['*.md', 'docs/*.md', '{packages,examples}/*/README.md', 'benchmarks/*.md'];

/** Entry points for other packages of the family, not for users. */
const familyEntries = new Set(['./backend', './internal']);

/** Matches the error for a module of the reader, which the page does not show. */
const ownModule = /error TS2307: Cannot find module '\.{1,2}\//;

/**
 * Compiles the TypeScript of the pages against the built packages, as in a project that has all of
 * them installed, and the tables of options. Line numbers in errors are those of the page.
 *
 * @param installed the `node_modules` of a project whose packages are used instead of the built ones.
 * @throws {CommandFailedError} with one line for each compiler error and each type of options that no
 * table documents.
 */
export async function checkSnippets(installed?: string): Promise<string> {
	const exported = exportedNames(/^export \{([^}]*)\}/gm);
	const types = exportedNames(/^export type \{([^}]*)\}/gm);
	const texts = globSync(pages, { cwd: repository })
		.toSorted()
		.map((page): [string, string] => [page, readFileSync(join(repository, page), 'utf8')]);
	const tables = texts.flatMap(([page, text]) => optionTablesOf(page, text, types));
	const snippets = texts.flatMap(([page, text]) => snippetsOf(page, text, exported)).concat(tables);
	const project = mkdtempSync(join(tmpdir(), 'tmcp-sessions-snippets-'));
	try {
		linkModules(join(project, 'node_modules'), installed);
		writeProject(project, snippets);
		const problems = [...undocumentedOptions(types, tables), ...(await compile(project))];
		if (problems.length > 0) throw new CommandFailedError(problems.join('\n'));
	} finally {
		rmSync(project, { recursive: true });
	}
	return `${snippets.length} snippets of ${new Set(snippets.map(({ page }) => page)).size} pages`;
}

/** Returns the names in the export statements for users, each with its entry point. */
function exportedNames(statement: RegExp): Map<string, string> {
	const found = new Map<string, string>();
	for (const { path, manifest } of findPackages()) {
		for (const [subpath, { default: built = '' }] of Object.entries(manifest.exports ?? {})) {
			if (familyEntries.has(subpath)) continue;
			const file = built.replace('/dist/', '/src/').replace(/js$/, 'ts');
			const source = readFileSync(join(repository, path, file), 'utf8');
			for (const [, names = ''] of source.matchAll(statement)) {
				for (const name of names.split(',')) {
					const exported = name.trim().split(' as ').at(-1) ?? '';
					if (exported !== '') found.set(exported, `${manifest.name}${subpath.slice(1)}`);
				}
			}
		}
	}
	return found;
}

/**
 * Links what is installed, every other dependency of the workspace, and its packages into one
 * `node_modules`.
 */
function linkModules(modules: string, installed: string | undefined): void {
	const link = (name: string, target: string): void => {
		const path = join(modules, name);
		if (existsSync(path)) return;
		mkdirSync(dirname(path), { recursive: true });
		symlinkSync(realpathSync(resolve(repository, target)), path);
	};
	if (installed !== undefined) {
		for (const name of modulesIn(installed)) link(name, join(installed, name));
	}
	for (const { path, manifest } of findPackages()) link(manifest.name ?? path, path);
	for (const folder of globSync('{packages,examples}/*/node_modules', { cwd: repository })) {
		for (const name of modulesIn(join(repository, folder)))
			link(name, join(repository, folder, name));
	}
}

/** Returns the names of the packages in a `node_modules` folder. */
function modulesIn(folder: string): string[] {
	return readdirSync(folder)
		.filter((entry) => !entry.startsWith('.'))
		.flatMap((entry) =>
			entry.startsWith('@')
				? readdirSync(join(folder, entry)).map((name) => join(entry, name))
				: [entry],
		);
}

function writeProject(project: string, snippets: readonly Snippet[]): void {
	const written = new Set<string>();
	const paths: Record<string, string[]> = {};
	for (const { page, file, text } of snippets) {
		const path = join(page, file);
		if (written.has(path)) throw new CommandFailedError(`${page} shows ${file} twice`);
		written.add(path);
		mkdirSync(dirname(join(project, path)), { recursive: true });
		writeFileSync(join(project, path), text);
		// The page shows the entry point of a new package, which other snippets import by its name.
		const [, folder] = /^packages\/([\w-]+)\/src\/index\.ts$/.exec(file) ?? [];
		if (folder !== undefined) paths[`@tmcp-sessions/${folder}`] = [`./${path}`];
	}
	writeFileSync(join(project, 'names.d.ts'), readersNames);
	const tsconfig = {
		extends: join(repository, 'tsconfig.tests.json'),
		compilerOptions: {
			lib: ['ES2024'],
			module: 'esnext',
			moduleResolution: 'bundler',
			types: ['@cloudflare/workers-types'],
			// Snippets are short: these rules would add noise.
			noImplicitAny: false,
			noPropertyAccessFromIndexSignature: false,
			noUnusedLocals: false,
			noUnusedParameters: false,
			verbatimModuleSyntax: false,
			pretty: false,
			paths,
		},
		files: ['names.d.ts', ...written],
	};
	writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
}

async function compile(project: string): Promise<string[]> {
	try {
		await runCommand('tsc', '-p', project);
		return [];
	} catch (failure) {
		const lines = describeFailure(failure).split('\n');
		const errors = lines.filter((line) => / error TS\d+: /.test(line));
		if (errors.length === 0) throw failure;
		return errors.filter((line) => !ownModule.test(line)).map(asLineOfPage);
	}
}

/** Turns `/tmp/…/packages/http/README.md/9.ts(12,3): error` into `packages/http/README.md:12:3: error`. */
function asLineOfPage(error: string): string {
	const found = /^(?:.*\/tmcp-sessions-snippets-\w+\/)?(.*?\.md)\/.*?\.ts\((\d+),(\d+)\)(.*)$/.exec(
		error,
	);
	if (!found) return error;
	const [, page = '', line = '', column = '', rest = ''] = found;
	return `${page}:${line}:${column}${rest}`;
}
