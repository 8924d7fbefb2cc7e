import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from '../contenders.ts';
import type { RunningContenders } from '../runtime.ts';
import { Inspector } from './inspector.ts';

/** The time that an isolate has to collect its garbage after it has run. */
const RUN_MS = 20;
/** How often the isolates run for one collection. One that has not run by then has no new garbage. */
const MAX_RUNS = 5;
/** The isolates of contenders, of their objects and of miniflare's KV. */
const COLLECTED = /^(core:user:|kv:)/;

/**
 * Collects the garbage of isolates that share a workerd. V8 does not know the size of the native objects
 * behind its own: without this, miniflare's KV holds 25 KiB of garbage for each read, up to 300 MiB
 * (miniflare 5.20261102, workerd of 2026-11-17).
 */
export class GarbageCollector implements Disposable {
	readonly #inspectors: ReadonlyMap<string, Inspector>;

	private constructor(inspectors: ReadonlyMap<string, Inspector>) {
		this.#inspectors = inspectors;
	}

	/** Connects to the isolates. Start the contenders with an `inspectorPort`. */
	static async open(running: RunningContenders<Contender>): Promise<GarbageCollector> {
		const url = new URL('/json', await running.miniflare.getInspectorURL());
		url.protocol = 'http:';
		const response = await fetch(url);
		const isolates = await response.json<readonly { readonly id: string }[]>();
		const ids = isolates.map(({ id }) => id).filter((id) => COLLECTED.test(id));
		const opening = ids.map(async (id) => [id, await Inspector.open(running, id)] as const);
		return new GarbageCollector(new Map(await Promise.all(opening)));
	}

	/**
	 * Collects the garbage of the isolates that run.
	 *
	 * @param run has the isolates run: workerd collects then, unless the command arrives later.
	 */
	async collect(run: () => Promise<unknown>): Promise<void> {
		const collecting = Promise.all(
			[...this.#inspectors.values()].map((inspector) =>
				inspector.send('HeapProfiler.collectGarbage'),
			),
		).then(() => true);
		for (let runs = 0, hasCollected = false; runs < MAX_RUNS && !hasCollected; runs += 1) {
			await run();
			hasCollected = await Promise.race([collecting, delay(RUN_MS, false)]);
		}
	}

	/** Returns the heap of a contender's isolate in use, with the buffers outside of it. */
	async heapBytes(name: Contender): Promise<number> {
		type Usage = Partial<
			Record<'usedSize' | 'embedderHeapUsedSize' | 'backingStorageSize', number>
		>;
		// An isolate takes one inspector at a time.
		const usage = await this.#inspectors
			.get(`core:user:${name}`)
			?.send<Usage>('Runtime.getHeapUsage');
		const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = usage ?? {};
		return usedSize + embedderHeapUsedSize + backingStorageSize;
	}

	[Symbol.dispose](): void {
		for (const inspector of this.#inspectors.values()) inspector[Symbol.dispose]();
	}
}
