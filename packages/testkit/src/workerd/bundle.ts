import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/** A Worker as one ES module. */
export interface BundledWorker {
	readonly code: string;
	/** What the module exports; `default` where it has a default export. */
	readonly exportNames: readonly string[];
}

/**
 * One ES module of a Worker's source, ready for workerd.
 *
 * The conditions are those that wrangler resolves with; what workerd itself provides stays an import.
 *
 * @param entry path of the Worker's main module, TypeScript or JavaScript.
 * @throws esbuild's `BuildFailure` where the source does not bundle.
 */
export async function bundleWorker(
	entry: string,
	plugins: readonly Plugin[] = [],
): Promise<BundledWorker> {
	const { outputFiles, metafile } = await build({
		entryPoints: [entry],
		bundle: true,
		write: false,
		metafile: true,
		format: 'esm',
		platform: 'neutral',
		target: 'es2023',
		mainFields: ['module', 'main'],
		conditions: ['workerd', 'worker', 'browser', 'import'],
		external: ['cloudflare:*', 'node:*'],
		sourcemap: 'inline',
		logLevel: 'silent',
		plugins: [...plugins],
	});
	return {
		code: outputFiles[0]?.text ?? '',
		exportNames: Object.values(metafile.outputs).flatMap((output) => output.exports),
	};
}
