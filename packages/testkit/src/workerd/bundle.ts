import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';

/** A Worker as one ES module. */
export interface BundledWorker {
	readonly code: string;
	/** The names of its exports; `default` for a default export. */
	readonly exportNames: readonly string[];
}

/**
 * The esbuild options for a Worker: the conditions of Wrangler; modules that workerd provides stay
 * imports.
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
 * Bundles the source of a Worker into one ES module for workerd.
 *
 * @param entry path of the Worker's main module, TypeScript or JavaScript.
 * @throws esbuild's `BuildFailure` if the source does not bundle.
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
