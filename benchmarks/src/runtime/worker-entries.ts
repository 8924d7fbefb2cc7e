import { builtinModules } from 'node:module';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { contenders, objectModules } from '../contenders.ts';
import type { Contender, ObjectClass } from '../contenders.ts';

/** The folder of the modules that run in workerd. */
export const workersFolder: string = join(import.meta.dirname, '../workers');

const contenderPrefix = 'contender:';
const objectsPrefix = 'objects:';
const nodeNamespace = 'node-builtin';

/** Returns the virtual path of a contender's main module. */
export function contenderEntry(name: Contender): string {
	return `${contenderPrefix}${name}`;
}

/** Returns the virtual path of a Worker that does nothing but export Durable Object classes. */
export function objectsEntry(classes: readonly ObjectClass[]): string {
	return `${objectsPrefix}${[...new Set(classes)].join(',')}`;
}

/** Generates the main module of a contender's Worker from the table of contenders. */
export function contenderSource(name: Contender): string {
	const [module, factory, createInfo] = contenders[name].worker;
	return [
		`import { ${factory} } from './${module}.ts';`,
		...(createInfo ? [`import { ${createInfo} } from './info-managers.ts';`] : []),
		`export default ${factory}(${createInfo ?? ''});`,
	].join('\n');
}

/** Generates the exports of Durable Object classes. */
export function objectsSource(classes: readonly ObjectClass[]): string {
	return classes.map((name) => `export { ${name} } from '${objectModules[name]}';`).join('\n');
}

/** Loads the generated main modules, and resolves what the contenders' packages import. */
export const workerEntriesPlugin: Plugin = {
	name: 'worker-entries',
	setup(build) {
		// miniflare copies its whole configuration with each allocation: source maps would take seconds.
		build.initialOptions.sourcemap = false;
		build.onResolve({ filter: /^(contender|objects):/ }, ({ path }) => ({
			path,
			namespace: 'worker-entry',
		}));
		build.onLoad({ filter: /^/, namespace: 'worker-entry' }, ({ path }) => ({
			contents: sourceOf(path),
			loader: 'ts',
			resolveDir: workersFolder,
		}));
		// As wrangler does: some packages import a module of Node.js without `node:`, or with `require`.
		build.onResolve({ filter: /^[a-z]/ }, ({ path, importer }) =>
			importer !== '' && builtinModules.includes(path)
				? { path, namespace: nodeNamespace }
				: undefined,
		);
		build.onLoad({ filter: /^/, namespace: nodeNamespace }, ({ path }) => ({
			contents: `export * from 'node:${path}'; export { default } from 'node:${path}';`,
		}));
	},
};

function sourceOf(path: string): string {
	// Safe because only contenderEntry and objectsEntry make such paths.
	if (path.startsWith(contenderPrefix)) {
		return contenderSource(path.slice(contenderPrefix.length) as Contender);
	}
	const classes = path.slice(objectsPrefix.length).split(',').filter(Boolean) as ObjectClass[];
	return [
		objectsSource(classes),
		"export default { fetch: () => new Response('Not found', { status: 404 }) };",
	].join('\n');
}
