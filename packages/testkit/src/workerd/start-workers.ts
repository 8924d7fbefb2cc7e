import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';
import { Miniflare } from 'miniflare';
import type { DurableObjectEvictionOptions, MiniflareOptions } from 'miniflare';
import { bundleWorker } from './bundle.ts';
import type { BundledWorker } from './bundle.ts';
import { miniflareOptions } from './miniflare-options.ts';
import { workerdBinary } from './workerd-binary.ts';
import type { WorkersOptions } from './workers-options.ts';

/** The objects to evict, and what happens to their sockets. */
export interface Eviction {
	/** Default: the only class. Required if there are several. */
	readonly className?: string;
	/** The name of the object. Default: every object of the class. */
	readonly name?: string;
	/** `hibernate` keeps the sockets as an idle object does; `close` ends them. Default `hibernate`. */
	readonly webSockets?: 'hibernate' | 'close';
}

/** Running Workers. */
export interface Workers<Name extends string = string> {
	/** Returns the URL of this Worker, which has its own port. */
	url(name: Name): URL;
	/**
	 * Evicts objects from memory; the next event creates new instances.
	 *
	 * @returns the number of objects that were in memory.
	 * @throws {TmcpSessionsError} if the class is unknown, or is not named and there are several.
	 */
	evict(eviction?: Eviction): Promise<number>;
	/**
	 * Restarts the workerd process over the same storage: every connection is lost, and every object
	 * and isolate is new. Call `url` again afterwards.
	 */
	restart(): Promise<void>;
	/** The Miniflare instance, for everything that this interface does not offer. */
	readonly miniflare: Miniflare;
	/** Ends the workerd process and removes its storage. Resolves when both are gone. */
	stop(): Promise<void>;
}

/** Bundles the Workers and starts them in one workerd, each on its own port. */
export async function startWorkers<const Name extends string>(
	options: WorkersOptions<Name>,
): Promise<Workers<Name>> {
	const owner = options.workers[0];
	const durableObjects = options.durableObjects ?? { TMCP_DURABLE_OBJECT: 'SyncLayer' };
	const classNames = new Set(Object.values(durableObjects));
	const binary = workerdBinary(options.version ?? 'current');
	const scripts = await bundleEach(options);
	requireExports(owner, classNames, scripts.get(owner)?.exportNames ?? []);

	const settings = miniflareOptions(options, durableObjects, scripts);
	const miniflare = await startMiniflare(settings, binary);
	const urls = new Map<Name, URL>();
	const findUrls = async (): Promise<void> => {
		for (const name of options.workers) urls.set(name, await miniflare.unsafeGetDirectURL(name));
	};
	try {
		await findUrls();
	} catch (error) {
		await miniflare.dispose();
		throw error;
	}

	return {
		miniflare,
		url(name) {
			const url = urls.get(name);
			if (url === undefined) throw unknownName('Worker', name, urls.keys());
			return new URL(url);
		},
		async evict({ className, name, webSockets = 'hibernate' } = {}) {
			const target = className ?? (classNames.size === 1 ? [...classNames][0] : undefined);
			if (target === undefined || !classNames.has(target)) {
				throw unknownName('Durable Object class', className, classNames);
			}
			return evictEach(miniflare, owner, target, { name, webSockets });
		},
		async restart() {
			await withBinary(binary, () => miniflare.setOptions(settings));
			await findUrls();
		},
		stop: () => miniflare.dispose(),
	};
}

/** Returns the number of objects that were in memory. */
async function evictEach(
	miniflare: Miniflare,
	owner: string,
	className: string,
	{ name, webSockets }: { name: string | undefined; webSockets: 'hibernate' | 'close' },
): Promise<number> {
	const objects =
		name === undefined
			? (await miniflare.listDurableObjectIds(className, owner)).map((id) => ({ id }))
			: [{ name }];
	let evicted = 0;
	for (const object of objects) {
		const options = { ...object, webSockets };
		if (await evictIfRunning(miniflare, owner, className, options)) evicted += 1;
	}
	return evicted;
}

/** Miniflare reports an object that is not in memory with an error that only its message identifies. */
async function evictIfRunning(
	miniflare: Miniflare,
	owner: string,
	className: string,
	options: DurableObjectEvictionOptions,
): Promise<boolean> {
	try {
		await miniflare.unsafeEvictDurableObject(owner, className, options);
		return true;
	} catch (error) {
		if (reasonOf(error).includes('not currently running')) return false;
		throw error;
	}
}

async function bundleEach<Name extends string>({
	entry,
	workers,
	plugins,
}: WorkersOptions<Name>): Promise<Map<Name, BundledWorker | undefined>> {
	const entryOf = (name: Name): string => (typeof entry === 'string' ? entry : entry[name]);
	const scripts = new Map<string, Promise<BundledWorker>>();
	for (const path of new Set(workers.map(entryOf))) scripts.set(path, bundleWorker(path, plugins));
	const bundled = workers.map(async (name) => [name, await scripts.get(entryOf(name))] as const);
	return new Map(await Promise.all(bundled));
}

function startMiniflare(
	settings: MiniflareOptions,
	binary: string | undefined,
): Promise<Miniflare> {
	return withBinary(binary, async () => {
		const miniflare = new Miniflare(settings);
		try {
			await miniflare.ready;
			return miniflare;
		} catch (error) {
			await miniflare.dispose();
			throw error;
		}
	});
}

let lastStart: Promise<unknown> = Promise.resolve();

/**
 * Miniflare takes another workerd only from the environment, which it reads when it starts the process.
 * Starts run one after another, so that none reads the variable of another.
 */
function withBinary<Result>(
	binary: string | undefined,
	start: () => Promise<Result>,
): Promise<Result> {
	const started = lastStart.then(async () => {
		const before = process.env['MINIFLARE_WORKERD_PATH'];
		if (binary !== undefined) process.env['MINIFLARE_WORKERD_PATH'] = binary;
		try {
			return await start();
		} finally {
			if (before === undefined) delete process.env['MINIFLARE_WORKERD_PATH'];
			else process.env['MINIFLARE_WORKERD_PATH'] = before;
		}
	});
	lastStart = started.catch(() => undefined);
	return started;
}

/** Without this check, workerd starts and fails at the first request with a less helpful error. */
function requireExports(
	owner: string,
	classNames: ReadonlySet<string>,
	exportNames: readonly string[],
): void {
	const missing = [...classNames].filter((className) => !exportNames.includes(className));
	if (missing.length === 0) return;
	throw new TmcpSessionsError(
		'configuration',
		'testkit',
		`the Worker ${owner} must export the Durable Object class ${missing.join(' and ')}; ` +
			`found ${exportNames.join(', ') || 'no exports'}. Export it from the entry or change durableObjects.`,
	);
}

function unknownName(what: string, found: unknown, available: Iterable<string>): TmcpSessionsError {
	return new TmcpSessionsError(
		'configuration',
		'testkit',
		`unknown ${what} ${String(found)}: expected one of ${[...available].join(', ') || '(none)'}`,
	);
}
