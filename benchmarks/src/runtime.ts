import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { startWorkers, workerBundle } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';
import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';
import { contenders, objectClasses } from './contenders.ts';
import type { Contender, ObjectClass } from './contenders.ts';

/** Running contenders, side by side in one workerd, each an isolate with its own socket. */
export type RunningContenders<Name extends Contender> = Workers<Name | 'objects'> & AsyncDisposable;

/** Options of a start. */
export interface ContenderOptions extends Pick<
	WorkersOptions,
	'onLog' | 'vars' | 'keepObjects' | 'inspectorPort'
> {
	readonly plugins?: Plugin[];
	/** Default: none, since miniflare copies its whole configuration with each allocation. */
	readonly sourcemap?: 'inline' | false;
}

/** The folder of the modules that run in workerd. */
export const workersFolder: string = join(import.meta.dirname, 'workers');

const SOURCE = 'source:';

/** Generates the main module of a contender's Worker. */
export function contenderSource(name: Contender): string {
	const [module, worker, createInfo = ''] = contenders[name].source.split(' ');
	const info = createInfo && `import { ${createInfo} } from './info-managers.ts';`;
	return `import { ${worker} } from './${module}.ts';${info} export default ${worker}(${createInfo});`;
}

/** Generates the exports of Durable Object classes. */
export function objectsSource(classes: readonly ObjectClass[]): string {
	return classes.map((name) => `export { ${name} } from '${objectClasses[name][1]}';`).join('');
}

/** Loads modules whose path is their source, and resolves what the contenders' packages import. */
export const sourcesPlugin: Plugin = {
	name: 'sources',
	setup(build) {
		build.onResolve({ filter: /^source:/ }, ({ path }) => ({ path, namespace: 'source' }));
		build.onLoad({ filter: /^/, namespace: 'source' }, ({ path }) => ({
			contents: path.slice(SOURCE.length),
			loader: 'ts',
			resolveDir: workersFolder,
		}));
		// As wrangler does: some packages import a module of Node.js without `node:`, or with `require`.
		build.onResolve({ filter: /^[a-z]/ }, ({ path, importer }) =>
			importer !== '' && builtinModules.includes(path) ? { path, namespace: 'node' } : undefined,
		);
		build.onLoad({ filter: /^/, namespace: 'node' }, ({ path }) => ({
			contents: `export * from 'node:${path}'; export { default } from 'node:${path}';`,
		}));
	},
};

/** Bundles main modules in one build, since they share most of their imports. */
export async function bundle(
	sources: readonly string[],
	options: Pick<BuildOptions, 'minify' | 'plugins' | 'sourcemap'>,
): Promise<string[]> {
	const { outputFiles } = await build({
		...workerBundle,
		...options,
		entryPoints: sources.map((source, index) => ({ in: SOURCE + source, out: `${index}` })),
		outdir: '/',
		plugins: [...(options.plugins ?? []), sourcesPlugin],
	});
	const codes = new Map(outputFiles.map(({ path, text }) => [basename(path, '.js'), text]));
	return sources.map((_, index) => codes.get(`${index}`) ?? '');
}

/** The bundles of this process by source, each bundled once, and those with other plugins. */
const bundles = new Map<string, Map<string, string>>();

/** Bundles the Workers of contenders that start later, all in one build. */
export async function bundleContenders(
	names: readonly Contender[],
	plugins: Plugin[] = [],
): Promise<void> {
	const sources = names.flatMap((name) => [
		contenderSource(name),
		ownerSource(contenders[name].objects),
	]);
	await bundleOnce(sources, { plugins });
}

async function bundleOnce(
	sources: readonly string[],
	options: { plugins: Plugin[]; sourcemap?: 'inline' | false },
): Promise<ReadonlyMap<string, string>> {
	const variant = [...options.plugins.map(({ name }) => name), options.sourcemap].join(' ');
	const own = bundles.get(variant) ?? new Map<string, string>();
	bundles.set(variant, own);
	const missing = [...new Set(sources)].filter((source) => !own.has(source));
	const codes = missing.length > 0 ? await bundle(missing, options) : [];
	for (const [index, source] of missing.entries()) own.set(source, codes[index] ?? '');
	return own;
}

/** Generates a Worker that does nothing but export Durable Object classes. */
function ownerSource(classes: readonly ObjectClass[]): string {
	return `${objectsSource(classes)}export default { fetch: () => new Response() };`;
}

/**
 * Starts contenders over new, empty storage. The Worker `objects` owns their Durable Objects, so every
 * contender reaches them from another isolate. Upstream has its own bindings.
 */
export async function startContenders<const Name extends Contender>(
	names: readonly Name[],
	{ plugins = [], sourcemap = false, ...options }: ContenderOptions = {},
): Promise<RunningContenders<Name>> {
	const workers: ['objects', ...Name[]] = ['objects', ...names];
	const classes = [...new Set(names.flatMap((name) => contenders[name].objects))];
	const sources = [ownerSource(classes), ...names.map(contenderSource)];
	const codes = await bundleOnce(sources, { plugins, sourcemap });
	const bundled: Plugin = {
		name: 'bundled',
		setup(build) {
			Object.assign(build.initialOptions, { sourcemap, sourcesContent: false });
			build.onResolve({ filter: /^\d+$/ }, ({ path }) => ({ path, namespace: 'bundled' }));
			build.onLoad({ filter: /^/, namespace: 'bundled' }, ({ path }) => ({
				contents: codes.get(sources[Number(path)] ?? '') ?? '',
				resolveDir: workersFolder,
			}));
		},
	};
	const entries = workers.map((name, index) => [name, `${index}`]);
	const running = await startWorkers<Name | 'objects'>({
		...options,
		plugins: [bundled],
		workers,
		// Safe because there is one entry for each name.
		entry: Object.fromEntries(entries) as Record<Name | 'objects', string>,
		kvNamespaces: ['TMCP_SESSION_INFO', 'UPSTREAM_SESSION_INFO'],
		durableObjects: Object.fromEntries(classes.map((name) => [objectClasses[name][0], name])),
	});
	return Object.assign(running, { [Symbol.asyncDispose]: () => running.stop() });
}

/** Returns the URL at which a contender serves MCP. */
export function endpoint<Name extends Contender>(
	running: RunningContenders<Name>,
	name: Name,
): string {
	return new URL('/mcp', running.url(name)).href;
}
