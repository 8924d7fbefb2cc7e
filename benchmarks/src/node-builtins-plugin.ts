import { builtinModules } from 'node:module';
import type { Plugin } from 'esbuild';

const namespace = 'node-builtin';

/**
 * Lets packages name a module of Node.js without `node:`, and with `require`, as wrangler does: those
 * that are compared with ours do.
 */
export const nodeBuiltinsPlugin: Plugin = {
	name: 'node-builtins',
	setup(build) {
		build.onResolve({ filter: /^[a-z]/ }, ({ path, importer }) =>
			importer !== '' && builtinModules.includes(path) ? { path, namespace } : undefined,
		);
		build.onLoad({ filter: /^/, namespace }, ({ path }) => ({
			contents: `export * from 'node:${path}'; export { default } from 'node:${path}';`,
		}));
	},
};
