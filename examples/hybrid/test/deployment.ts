import { bundleWorker } from '@tmcp-sessions/testkit/workerd';
import { Miniflare } from 'miniflare';
import type { MiniflareOptions } from 'miniflare';
import { fileURLToPath } from 'node:url';
import { unstable_readConfig as readConfig } from 'wrangler';

const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The parts of wrangler's configuration that the test reads; wrangler types them loosely. */
interface Configuration {
	readonly name: string;
	readonly main: string;
	readonly compatibility_date: string;
	readonly compatibility_flags: string[];
	readonly services?: readonly { readonly binding: string; readonly service: string }[];
	readonly durable_objects: {
		readonly bindings: readonly {
			readonly name: string;
			readonly class_name: string;
			readonly script_name?: string;
		}[];
	};
	readonly migrations: readonly { readonly new_sqlite_classes?: readonly string[] }[];
}

/** The Workers of the configurations in one workerd, with a second edge. */
export interface Deployment {
	url(worker: 'edge' | 'otherEdge' | 'origin'): URL;
	/** Replaces the code of the origin over the same storage: every connection is lost. */
	replaceOrigin(code: 'as deployed' | 'broken' | 'not MCP'): Promise<void>;
	readonly secrets: { readonly EDGE_KEYS: string };
	readonly logged: string[];
	stop(): Promise<void>;
}

const CLASSES =
	'export class Notebook extends DurableObject {} export class TaskObject extends DurableObject {}';
const BROKEN = {
	broken: `import { DurableObject } from 'cloudflare:workers'; ${CLASSES}
		export default { fetch() { throw new Error('broken on purpose'); } };`,
	'not MCP': `import { DurableObject } from 'cloudflare:workers'; ${CLASSES}
		export default { fetch: () => new Response('<h1>Bad gateway</h1>', { status: 502 }) };`,
};
const ACCESS_TOKENS = '{"ada-token":"ada","bob-token":"bob"}';

/** Starts the Workers as wrangler does, with keys of their own. */
export async function deploy(): Promise<Deployment> {
	const logged: string[] = [];
	const secrets = {
		TMCP_SESSION_KEYS: newKey(),
		EDGE_KEYS: `${newKey()} ${newKey()}`,
		ACCESS_TOKENS,
	};
	const names = {
		edge: 'wrangler.jsonc',
		origin: 'wrangler.origin.jsonc',
		storage: 'wrangler.storage.jsonc',
	};
	const [edge, origin, storage] = await Promise.all(
		Object.values(names).map((file) => workerOf(file, secrets)),
	);
	if (!edge || !origin || !storage) throw new Error('expected three configurations');
	const optionsWith = (deployed: WorkerOptions): MiniflareOptions => ({
		cf: false,
		handleStructuredLogs: ({ message }) => void logged.push(message),
		workers: [edge, { ...edge, config: { ...edge.config, name: 'other-edge' } }, deployed, storage],
	});
	const miniflare = new Miniflare(optionsWith(origin));
	await miniflare.ready;
	const urls = { edge: 'hybrid-edge', otherEdge: 'other-edge', origin: 'hybrid-origin' };
	const found = new Map<string, URL>();
	const findUrls = async (): Promise<void> => {
		for (const [key, name] of Object.entries(urls)) {
			found.set(key, new URL('/mcp', await miniflare.unsafeGetDirectURL(name)));
		}
	};
	await findUrls();
	return {
		secrets,
		logged,
		url: (worker) => new URL(found.get(worker) ?? ''),
		async replaceOrigin(code) {
			const replaced = code === 'as deployed' ? origin : withCode(origin, BROKEN[code]);
			await miniflare.setOptions(optionsWith(replaced));
			await findUrls();
		},
		stop: () => miniflare.dispose(),
	};
}

type WorkerOptions = Extract<MiniflareOptions, { workers: unknown }>['workers'][number];

async function workerOf(file: string, secrets: Record<string, string>): Promise<WorkerOptions> {
	const configuration: Configuration = readConfig({ config: pathOf(`../${file}`) });
	const { code } = await bundleWorker(configuration.main);
	const { name, services = [], durable_objects: objects, migrations } = configuration;
	const classes = migrations.flatMap(({ new_sqlite_classes: names = [] }) => names);
	return {
		config: {
			name,
			compatibilityDate: configuration.compatibility_date,
			compatibilityFlags: configuration.compatibility_flags,
			manifest: {
				mainModule: 'index.mjs',
				modules: { 'index.mjs': { type: 'esm', contents: code } },
			},
			env: Object.fromEntries([
				...Object.entries(secrets).map(([key, value]) => [key, { type: 'text', value }] as const),
				...services.map(
					({ binding, service }) => [binding, { type: 'worker', worker: service }] as const,
				),
				...objects.bindings.map(
					({ name: binding, class_name: exportName, script_name: worker = name }) =>
						[binding, { type: 'durable-object', worker, exportName }] as const,
				),
			]),
			exports: Object.fromEntries(
				classes.map((each) => [each, { type: 'durable-object', storage: 'sqlite' }] as const),
			),
		},
		dev: { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] },
	};
}

function withCode(worker: WorkerOptions, contents: string): WorkerOptions {
	const modules = { 'index.mjs': { type: 'esm', contents } } as const;
	return {
		...worker,
		config: { ...worker.config, manifest: { mainModule: 'index.mjs', modules } },
	};
}

function newKey(): string {
	return `${crypto.randomUUID()}-${crypto.randomUUID()}`;
}
