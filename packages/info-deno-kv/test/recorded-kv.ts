import type { DenoKv, DenoKvAtomic, DenoKvKey } from '@tmcp-sessions/info-deno-kv';
import type { Step } from '@tmcp-sessions/testkit';

/** Records until when each key is stored: Deno KV does not tell. Times are those of a manual clock. */
export class Expiries {
	readonly #untilMs = new Map<string, number>();

	set(key: DenoKvKey, untilMs: number | undefined): void {
		if (untilMs === undefined) this.#untilMs.delete(JSON.stringify(key));
		else this.#untilMs.set(JSON.stringify(key), untilMs);
	}

	of(key: DenoKvKey): number | undefined {
		return this.#untilMs.get(JSON.stringify(key));
	}
}

/** Makes each operation of a database one step, and records expiries. */
export function recordedKv(
	kv: DenoKv,
	expiries: Expiries,
	now: () => number,
	step: Step = (operation) => operation(),
): DenoKv {
	return {
		get: (key) => step(() => kv.get(key)),
		list(selector, options) {
			const listed = kv.list(selector, options);
			return {
				get cursor() {
					return listed.cursor;
				},
				async *[Symbol.asyncIterator]() {
					yield* await step(async () => {
						const entries = [];
						for await (const entry of listed) entries.push(entry);
						return entries;
					});
				},
			};
		},
		atomic: () => recordedAtomic(kv.atomic(), expiries, now, step),
	};
}

function recordedAtomic(
	atomic: DenoKvAtomic,
	expiries: Expiries,
	now: () => number,
	step: Step,
): DenoKvAtomic {
	const written: [DenoKvKey, number | undefined][] = [];
	return {
		check: (entry) => atomic.check(entry),
		set(key, value, options) {
			written.push([key, now() + options.expireIn]);
			return atomic.set(key, value, options);
		},
		delete(key) {
			written.push([key, undefined]);
			return atomic.delete(key);
		},
		commit: () =>
			step(async () => {
				const result = await atomic.commit();
				if (result.ok) for (const [key, untilMs] of written) expiries.set(key, untilMs);
				return result;
			}),
	};
}
