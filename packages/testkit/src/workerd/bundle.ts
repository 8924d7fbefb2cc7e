import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';

/** A Worker as one ES module. */
export interface BundledWorker {
	readonly code: string;
	/** What the module exports; `default` where it has a default export. */
	readonly exportNames: readonly string[];
}

/**
 * How a Worker is made one ES module: the conditions are those that wrangler resolves with, and what
 * workerd itself provides stays an import.
 */
export const workerBundle: BuildOptions & { readonly write: false } = {
	bundle: true,
	write: false,
	format: 'esm',
	platform: 'neutral',
	target: 'es2023',
	mainFields: ['module', 'main'],
	conditions: ['workerd', 'worker', 'browser', 'import'],
	external: ['cloudflare:*', 'node:*'],
	logLevel: 'silent',
};

/**
 * One ES module of a Worker's source, ready for workerd.
 *
 * @param entry path of the Worker's main module, TypeScript or JavaScript.
 * @throws esbuild's `BuildFailure` where the source does not bundle.
 */
export async function bundleWorker(
	entry: string,
	plugins: readonly Plugin[] = [],
): Promise<BundledWorker> {
	const { outputFiles, metafile } = await build({
		...workerBundle,
		entryPoints: [entry],
		metafile: true,
		sourcemap: 'inline',
		plugins: [...plugins],
	});
	return {
		code: outputFiles[0]?.text ?? '',
		exportNames: Object.values(metafile.outputs).flatMap((output) => output.exports),
	};
}
