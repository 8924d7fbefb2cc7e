import GithubSlugger from 'github-slugger';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Application, ReflectionKind } from 'typedoc';
import type { DeclarationReflection, ProjectReflection } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { pages, read, repository } from './paths.ts';

/** An entry point of a published package that users import. */
interface EntryPoint {
	/** As it is imported, such as `@tmcp-sessions/core/backend`. */
	readonly name: string;
	/** Absolute path of its declarations. */
	readonly declarations: string;
}

interface Manifest {
	name: string;
	version: string;
	description: string;
	exports: Record<string, { types: string }>;
}

/** Returns the entry points of all packages. `internal` ones are for the packages themselves. */
function entryPoints(): EntryPoint[] {
	return globSync('packages/*/package.json', { cwd: repository })
		.toSorted()
		.flatMap((path) => {
			const { name, exports } = JSON.parse(read(path)) as Manifest;
			return Object.entries(exports)
				.filter(([subpath]) => !subpath.endsWith('/internal'))
				.map(([subpath, { types }]) => ({
					name: name + subpath.slice(1),
					declarations: resolve(repository, dirname(path), types),
				}));
		});
}

/**
 * Gives each module the name that users import, which becomes its title and its file, and removes those
 * without exports. Returns the names.
 */
function nameModules(project: ProjectReflection, entries: readonly EntryPoint[]): string[] {
	const names = new Map(
		entries.map(({ name, declarations }) => [declarations.replace(/\.d\.ts$/, ''), name]),
	);
	return project.getReflectionsByKind(ReflectionKind.Module).flatMap((found) => {
		// Safe because a module is a declaration.
		const module = found as DeclarationReflection;
		const path = join(repository, module.name);
		const name = names.get(path) ?? names.get(join(path, 'index'));
		if (name === undefined) throw new Error(`typedoc: ${module.name} is no entry point`);
		if (module.children === undefined) {
			project.removeReflection(module);
			return [];
		}
		module.name = name;
		return [name];
	});
}

/** Returns the list of entry points, one a row. */
function apiIndex(names: readonly string[]): string {
	const rows = names.map((name) => {
		const [, folder = ''] = name.split('/');
		const { description, version } = JSON.parse(
			read(`packages/${folder}/package.json`),
		) as Manifest;
		return `| [\`${name}\`](${name}.md) | ${description} | ${version} |`;
	});
	return [
		'# API reference\n',
		'Every public entry point, generated from the comments of its declarations. Entry points named `internal` are for the packages of the family: they may change in any release.\n',
		'| import | package | version |\n| --- | --- | --- |',
		...rows,
		'',
	].join('\n');
}

const options: Partial<PluginOptions> = {
	entryFileName: 'index',
	hideBreadcrumbs: true,
	hidePageHeader: true,
	parametersFormat: 'table',
	interfacePropertiesFormat: 'table',
	classPropertiesFormat: 'table',
	typeAliasPropertiesFormat: 'table',
	typeDeclarationFormat: 'table',
	useCodeBlocks: true,
	sanitizeComments: true,
	useHTMLEncodedBrackets: true,
	pageTitleTemplates: { module: '{name}' },
};

/** Removes the number from links to headings that the plugin counts twice, such as `#denokvatomic-1`. */
function mendAnchors(page: string): void {
	const markdown = readFileSync(page, 'utf8');
	const slugger = new GithubSlugger();
	const headings = markdown.matchAll(/^#+ (.+)$/gm);
	const anchors = new Set([...headings].map(([, heading = '']) => slugger.slug(heading)));
	const mended = markdown.replaceAll(/\]\(#([\w-]+)-\d+\)/g, (link, anchor: string) => {
		const [, target = ''] = /#(.+)\)/.exec(link) ?? [];
		return !anchors.has(target) && anchors.has(anchor) ? `](#${anchor})` : link;
	});
	writeFileSync(page, mended);
}

/**
 * Writes the API reference: one page for each entry point, from the declarations of the build.
 *
 * @throws if the packages are not built.
 */
export async function writeApi(): Promise<void> {
	const entries = entryPoints();
	const app = await Application.bootstrapWithPlugins({
		...options,
		router: 'module',
		groupOrder: ['Functions', 'Classes', 'Interfaces', '*'],
		entryPoints: entries.map(({ declarations }) => declarations),
		plugin: ['typedoc-plugin-markdown'],
		tsconfig: join(repository, 'site/tsconfig.api.json'),
		out: join(pages, 'api'),
		// Declarations are in dist, which typedoc excludes.
		exclude: [],
		basePath: repository,
		displayBasePath: repository,
		name: 'API reference',
		readme: 'none',
		disableSources: true,
		disableGit: true,
		excludeExternals: true,
		excludeInternal: true,
		excludePrivate: true,
		skipErrorChecking: true,
		logLevel: 'Error',
	});
	const project = await app.convert();
	if (project === undefined)
		throw new Error('typedoc found no entry point: run `node scripts/build.ts`');
	const names = nameModules(project, entries);
	await app.generateOutputs(project);
	if (app.logger.hasErrors()) throw new Error('typedoc failed; its errors are above');
	for (const page of globSync(join(pages, 'api/**/*.md'))) mendAnchors(page);
	writeFileSync(join(pages, 'api/index.md'), apiIndex(names));
}
