import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

const counting = join(import.meta.dirname, 'counting');
const countedBindings = join(counting, 'counted-bindings.ts');

/** Puts the counted bindings in the place of `cloudflare:workers` and the counts at `/operations`. */
export const countingPlugin: Plugin = {
	name: 'count-operations',
	setup(build) {
		build.onResolve({ filter: /^cloudflare:workers$/ }, ({ importer }) =>
			importer === countedBindings ? { external: true } : { path: countedBindings },
		);
		build.onResolve({ filter: /\/session-memory\.ts$/ }, () => ({
			path: join(counting, 'session-memory.ts'),
		}));
		build.onResolve({ filter: /^/ }, ({ kind, path }) =>
			kind === 'entry-point' ? { path, namespace: 'counted' } : undefined,
		);
		build.onLoad({ filter: /^/, namespace: 'counted' }, ({ path }) => ({
			resolveDir: dirname(path),
			contents: [
				`import worker from ${JSON.stringify(path)};`,
				`import { countedWorker } from ${JSON.stringify(join(counting, 'counted-worker.ts'))};`,
				`export * from ${JSON.stringify(path)};`,
				'export default countedWorker(worker);',
			].join('\n'),
		}));
	},
};
