import type { MiniflareOptions } from 'miniflare';
import type { BundledWorker } from './bundle.ts';
import type { WorkersOptions } from './workers-options.ts';

/** Returns the options for several Workers over the same bindings. The first one owns the objects. */
export function miniflareOptions<Name extends string>(
	options: WorkersOptions<Name>,
	durableObjects: Readonly<Record<string, string>>,
	scripts: ReadonlyMap<Name, BundledWorker | undefined>,
): MiniflareOptions {
	const owner = options.workers[0];
	const log = options.onLog ?? ((line) => process.stderr.write(`${line}\n`));
	const env = bindingsOf(options, durableObjects, owner);
	const classes = exportsOf(options, durableObjects);
	const triggers = (options.queueConsumers ?? []).map(
		(consumer) => ({ type: 'queue', ...consumer }) as const,
	);
	return {
		cf: false,
		inspectorPort: options.inspectorPort,
		...(options.storagePath !== undefined && { resourcePersistencePath: options.storagePath }),
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
				...(name === owner && { triggers }),
			},
			dev: { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
		})),
	};
}

function bindingsOf(
	options: WorkersOptions,
	durableObjects: Readonly<Record<string, string>>,
	worker: string,
) {
	return {
		...kvBindings(options.kvNamespaces),
		...r2Bindings(options.r2Buckets),
		...mapEntries(
			Object.entries(durableObjects),
			(exportName) => ({ type: 'durable-object', worker, exportName }) as const,
		),
		...mapEntries(
			Object.entries(options.workflows ?? {}),
			(exportName) => ({ type: 'workflow', name: exportName, worker, exportName }) as const,
		),
		...mapEntries(
			Object.entries(options.queues ?? {}),
			(name) => ({ type: 'queue', name }) as const,
		),
		...mapEntries(
			Object.entries({ TMCP_SESSION_KEYS: newKey(), ...options.vars }),
			(value) => ({ type: 'text', value }) as const,
		),
	};
}

/** Returns what the first Worker exports. */
function exportsOf(options: WorkersOptions, durableObjects: Readonly<Record<string, string>>) {
	const byName = (names: object): (readonly [string, string])[] =>
		Object.values(names).map((name) => [String(name), String(name)] as const);
	return {
		...mapEntries(
			byName(durableObjects),
			(className) =>
				({
					type: 'durable-object',
					storage: options.keyValueClasses?.includes(className) ? 'legacy-kv' : 'sqlite',
					...(options.keepObjects && { unsafePreventEviction: true }),
				}) as const,
		),
		...mapEntries(byName(options.workflows ?? {}), (name) => ({ type: 'workflow', name }) as const),
	};
}

function kvBindings(
	names: readonly string[] = ['TMCP_SESSION_INFO'],
): Record<string, { type: 'kv'; id: string }> {
	const bindings = names.map((binding) => [binding, binding] as const);
	return mapEntries(bindings, (id) => ({ type: 'kv', id }) as const);
}

function r2Bindings(names: readonly string[] = []): Record<string, { type: 'r2'; name: string }> {
	const bindings = names.map((binding) => [binding, binding.toLowerCase()] as const);
	return mapEntries(bindings, (name) => ({ type: 'r2', name }) as const);
}

function newKey(): string {
	return `${crypto.randomUUID()}-${crypto.randomUUID()}`;
}

function mapEntries<T>(
	entries: readonly (readonly [string, string])[],
	describe: (value: string) => T,
): Record<string, T> {
	return Object.fromEntries(entries.map(([name, value]) => [name, describe(value)]));
}
