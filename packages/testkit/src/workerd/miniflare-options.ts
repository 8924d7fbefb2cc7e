import type { MiniflareOptions } from 'miniflare';
import type { BundledWorker } from './bundle.ts';
import type { WorkersOptions } from './start-workers.ts';

/** Several Workers over the same bindings: the first one owns the objects, all share the namespaces. */
export function miniflareOptions<Name extends string>(
	options: WorkersOptions<Name>,
	durableObjects: Readonly<Record<string, string>>,
	scripts: ReadonlyMap<Name, BundledWorker | undefined>,
): MiniflareOptions {
	const owner = options.workers[0];
	const log = options.onLog ?? ((line) => process.stderr.write(`${line}\n`));
	const env = Object.fromEntries([
		...(options.kvNamespaces ?? ['TMCP_SESSION_INFO']).map(
			(binding) => [binding, { type: 'kv', id: binding }] as const,
		),
		...Object.entries(durableObjects).map(
			([binding, exportName]) =>
				[binding, { type: 'durable-object', worker: owner, exportName }] as const,
		),
		...Object.entries(options.vars ?? {}).map(
			([binding, value]) => [binding, { type: 'text', value }] as const,
		),
	]);
	const classes = Object.fromEntries(
		Object.values(durableObjects).map(
			(className) => [className, { type: 'durable-object', storage: 'sqlite' }] as const,
		),
	);
	return {
		cf: false,
		handleStructuredLogs: ({ level, message }) => log(`[workerd ${level}] ${message}`),
		workers: options.workers.map((name) => ({
			config: {
				name,
				compatibilityDate: options.compatibilityDate ?? '2026-07-01',
				compatibilityFlags: [...(options.compatibilityFlags ?? ['nodejs_compat'])],
				manifest: {
					mainModule: 'index.mjs',
					modules: { 'index.mjs': { type: 'esm', contents: scripts.get(name)?.code ?? '' } },
				},
				env,
				exports: name === owner ? classes : {},
			},
			dev: { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
		})),
	};
}
