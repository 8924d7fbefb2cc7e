import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CommandFailedError } from '../command.ts';
import { engineProblems, metadataProblems } from './metadata.ts';
import {
	type WorkspacePackage,
	findPackages,
	globUnbuilt,
	readJson,
	repository,
} from '../workspace.ts';

const scope = '@tmcp-sessions/';

/** Packages that backends import, or that import none. Every other package is a backend. */
const shared = ['core', 'http', 'testkit'];

/** The imports of packages that are neither shared nor a backend, and of `core`. */
const importsByFolder: Readonly<Record<string, string[]>> = {
	cli: ['core'],
	'create-tmcp-sessions': ['cli'],
	core: [],
	otel: ['core', 'http'],
	redis: ['core'],
	'info-redis': ['core', 'redis'],
	'info-upstash': ['core', 'redis'],
	'streams-redis': ['core', 'redis'],
	sdk: ['core', 'http'],
	'session-object': ['core', 'http', 'streams-durable-object'],
	state: ['core'],
	tasks: ['core', 'http'],
	testkit: ['core', 'http', 'tasks'],
	'tasks-durable-object': ['core', 'http', 'tasks'],
	'tasks-redis': ['core', 'http', 'redis', 'tasks'],
	'tasks-queue': ['core', 'http', 'tasks', 'tasks-durable-object'],
	'tasks-workflows': ['core', 'http', 'tasks', 'tasks-durable-object'],
};

/** Returns the packages of this repository that the sources of a package may import. */
function allowedImports(folder: string): string[] {
	const imports = importsByFolder[folder];
	if (imports) return imports;
	return shared.includes(folder) ? shared : ['core'];
}

/** Reports fields of a manifest that differ from those of the other packages. */
function* manifestProblems({ folder, path, manifest }: WorkspacePackage): Generator<string> {
	const expected = {
		// `npm create NAME` finds the package `create-NAME`.
		name: folder.startsWith('create-') ? folder : scope + folder,
		license: 'MIT',
		type: 'module',
		sideEffects: false,
		files: ['CHANGELOG.md', 'dist', 'src'],
	};
	for (const [field, value] of Object.entries(expected)) {
		const found = manifest[field as keyof typeof expected];
		if (!isDeepStrictEqual(found, value))
			yield `${path}/package.json: ${field} is ${JSON.stringify(found)}, expected ${JSON.stringify(value)}`;
	}
	for (const field of ['description', 'keywords', 'exports'] as const) {
		if (Object.keys(manifest[field] ?? {}).length === 0)
			yield `${path}/package.json: ${field} is missing or empty`;
	}
	for (const [subpath, conditions] of Object.entries(manifest.exports ?? {})) {
		// A resolver uses the first condition that matches: it never reaches types after default.
		if (!isDeepStrictEqual(Object.keys(conditions), ['types', 'default']))
			yield `${path}/package.json: exports["${subpath}"] must be { types, default } in this order`;
	}
	for (const file of ['README.md', 'vitest.config.ts', 'test/tsconfig.json']) {
		if (!existsSync(join(repository, path, file))) yield `${path}: ${file} is missing`;
	}
}

/** Reports folders outside the packages whose tests no Vitest project runs. */
function* unrunTestProblems(): Generator<string> {
	for (const path of globSync(['examples/*', 'benchmarks', 'clients', 'installs', 'site'], {
		cwd: repository,
	}).toSorted()) {
		const tests = globUnbuilt('*.test.ts').filter((file) => file.startsWith(`${path}/`));
		if (tests.length > 0 && !existsSync(join(repository, path, 'vitest.config.ts')))
			yield `${path}: vitest.config.ts is missing`;
	}
}

/** Reports references of TypeScript projects that differ from the manifests. */
function* referenceProblems(packages: WorkspacePackage[]): Generator<string> {
	const references = (path: string) =>
		(readJson<{ references?: { path: string }[] }>(`${path}/tsconfig.json`).references ?? [])
			.map((reference) => normalize(join(path, reference.path)))
			.toSorted();
	const expect = (path: string, expected: string[]) =>
		isDeepStrictEqual(references(path), expected.toSorted())
			? []
			: [`${path}/tsconfig.json: references must be ${expected.join(', ') || 'none'}`];
	yield* expect(
		'.',
		packages.map(({ path }) => path),
	);
	for (const { path, manifest } of packages) {
		const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
		yield* expect(
			path,
			packages.filter((other) => dependencies.includes(scope + other.folder)).map((o) => o.path),
		);
	}
}

/**
 * Returns the specifiers that a module imports or re-exports, also as types. Matches statements at the
 * start of a line, where the formatter puts them, so that code in comments and messages does not count.
 */
function importsOf(source: string): string[] {
	const statement = /^(?:import|export)\b(?:[^'"`;=]*\bfrom)?\s*['"]([^'"]+)['"]/gm;
	const call = /\bimport\(\s*['"]([^'"]+)['"]/g;
	return [...source.matchAll(statement), ...source.matchAll(call)].map(
		([, specifier = '']) => specifier,
	);
}

/**
 * Folders of `http` between the HTTP endpoint and the library that runs the server. A server of another
 * library must fit in, so that these import no values of tmcp or of a transport.
 */
const serverIndependent = [
	'backend',
	'calls',
	'endpoint',
	'request',
	'request-state',
	'response',
	'session',
	'validation',
];

/** Reports values that the server-independent folders of `http` import from tmcp or a transport. */
function* seamProblems(): Generator<string> {
	const files = globSync(`packages/http/src/{${serverIndependent.join(',')}}/**/*.ts`, {
		cwd: repository,
	});
	for (const file of files.toSorted()) {
		const source = readFileSync(join(repository, file), 'utf8');
		const values = source.replaceAll(/^(?:import|export) type\b[^;]*;/gm, '');
		for (const specifier of importsOf(values)) {
			if (/^(?:tmcp|@tmcp|\.\.\/(?:transport|legacy-sse))(?:\/|$)/.test(specifier))
				yield `${file}: imports values of ${specifier}, which only transport/ may; import types`;
		}
	}
}

/** Packages that still have import cycles, which the rule below skips. Must become empty. */
const withCycles = ['info-durable-object', 'streams-durable-object'];

/** Reports cycles of relative imports, also of types: `import/no-cycle` ignores `import type`. */
function* cycleProblems({ folder, path }: WorkspacePackage): Generator<string> {
	if (withCycles.includes(folder)) return;
	const files = globSync(`${path}/src/**/*.ts`, { cwd: repository }).toSorted();
	const imports = new Map(
		files.map((file) => [
			file,
			importsOf(readFileSync(join(repository, file), 'utf8'))
				.filter((specifier) => specifier.startsWith('.'))
				.map((specifier) => join(dirname(file), specifier)),
		]),
	);
	const finished = new Set<string>();
	function* visit(file: string, trail: string[]): Generator<string> {
		if (trail.includes(file)) {
			const cycle = [...trail.slice(trail.indexOf(file)), file];
			yield `${cycle.join(' -> ')}: import cycle; move what both need into a separate file`;
		} else if (!finished.has(file)) {
			for (const imported of imports.get(file) ?? []) yield* visit(imported, [...trail, file]);
			finished.add(file);
		}
	}
	for (const file of files) yield* visit(file, []);
}

/** Reports imports that a package must not have. */
function* sourceProblems({ folder, path }: WorkspacePackage): Generator<string> {
	for (const file of globSync(`${path}/{src,test}/**/*.ts`, { cwd: repository }).toSorted()) {
		const source = readFileSync(join(repository, file), 'utf8');
		const inSources = file.startsWith(join(path, 'src/'));
		for (const specifier of importsOf(source)) {
			if (specifier.startsWith('.')) {
				if (!join(dirname(file), specifier).startsWith(`${path}/`))
					yield `${file}: imports ${specifier} from another package by its path; import the package by its name`;
			} else if (inSources && specifier.startsWith(scope)) {
				const [imported = ''] = specifier.slice(scope.length).split('/');
				if (!allowedImports(folder).includes(imported))
					yield `${file}: imports ${specifier}; ${folder} may import ${allowedImports(folder).join(', ') || 'no other package'}`;
			}
		}
	}
}

/**
 * Checks that all packages have the same form, and that their imports respect the layers.
 *
 * @throws {CommandFailedError} with one line for each deviation.
 */
export function checkStructure(): string {
	const packages = findPackages();
	const problems = [
		...packages.flatMap((found) => [
			...manifestProblems(found),
			...sourceProblems(found),
			...cycleProblems(found),
		]),
		...metadataProblems(packages),
		...engineProblems(packages),
		...referenceProblems(packages),
		...unrunTestProblems(),
		...seamProblems(),
	];
	if (problems.length > 0) throw new CommandFailedError(problems.join('\n'));
	return '';
}
