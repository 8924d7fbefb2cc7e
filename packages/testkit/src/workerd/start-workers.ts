import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';
import { Miniflare } from 'miniflare';
import type { DurableObjectEvictionOptions, MiniflareOptions } from 'miniflare';
import { bundleWorker } from './bundle.ts';
import type { BundledWorker } from './bundle.ts';
import { miniflareOptions } from './miniflare-options.ts';
import { workerdBinary } from './workerd-binary.ts';
import type { WorkersOptions } from './workers-options.ts';

/** Which objects to evict, and what becomes of their sockets. */
export interface Eviction {
	/** Default: the only class. Needed where there are several. */
	readonly className?: string;
	/** The name that the object was made by. Default: every object of the class. */
	readonly name?: string;
	/** `hibernate` keeps the sockets as an idle object does; `close` ends them. Default `hibernate`. */
	readonly webSockets?: 'hibernate' | 'close';
}

/** Workers that run. */
export interface Workers<Name extends string = string> {
	/** Where this Worker listens, on a socket of its own. */
	url(name: Name): URL;
	/**
	 * Puts objects out of memory; the next event makes new instances.
	 *
	 * @returns how many were in memory and are no more.
	 * @throws {TmcpSessionsError} where the class is unknown or has to be named.
	 */
	evict(eviction?: Eviction): Promise<number>;
	/**
	 * Ends the runtime's process and starts it again over the same storage: every connection is lost,
	 * and every object and isolate is new. Ask `url` again afterwards.
	 */
	restart(): Promise<void>;
	/** What runs them, for what this interface does not offer. */
	readonly miniflare: Miniflare;
	/** Ends the runtime's process and removes its storage. Settles when both are gone. */
	stop(): Promise<void>;
}

/** Bundles the Workers and starts them in one workerd, each with a direct socket. */
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

/** @returns how many were in memory. */
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

/** miniflare tells an object that is out of memory already by its message alone. */
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
 * miniflare takes another workerd from the environment alone, and reads it when it starts the
 * process: starts wait for one another, so that none sees the variable of another.
 */
function withBinary<Result>(
	binary: string | undefined,
	work: () => Promise<Result>,
): Promise<Result> {
	const start = lastStart.then(async () => {
		const before = process.env['MINIFLARE_WORKERD_PATH'];
		if (binary !== undefined) process.env['MINIFLARE_WORKERD_PATH'] = binary;
		try {
			return await work();
		} finally {
			if (before === undefined) delete process.env['MINIFLARE_WORKERD_PATH'];
			else process.env['MINIFLARE_WORKERD_PATH'] = before;
		}
	});
	lastStart = start.catch(() => undefined);
	return start;
}

/** workerd starts without a class that it misses, and fails at the first request with less to go by. */
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

function unknownName(what: string, found: unknown, known: Iterable<string>): TmcpSessionsError {
	return new TmcpSessionsError(
		'configuration',
		'testkit',
		`expected the name of a ${what}, one of ${[...known].join(', ') || '(none)'}; found ${String(found)}`,
	);
}
