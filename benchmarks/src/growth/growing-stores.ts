import type { RunningContenders } from '../start-contenders.ts';

/** Whose store grows. */
export const growing = ['growing-kv', 'growing-object'] as const;
/** One of them. */
export type Growing = (typeof growing)[number];
/** What a store is filled with. */
export type Filling = 'sessions' | 'subscribers';
/** The Workers over stores that grow. */
export type GrowingWorkers = RunningContenders<Growing | 'bare-worker'>;

const FILLED_AT_ONCE = 1_000;

/** Adds to both stores what is missing since the step before. */
export async function fill(
	running: GrowingWorkers,
	what: Filling,
	sizes: readonly number[],
	step: number,
): Promise<void> {
	const [before = 0, total = 0] = [sizes[step - 1], sizes[step]];
	for (const name of growing) {
		for (let from = before; from < total; from += FILLED_AT_ONCE) {
			const count = Math.min(FILLED_AT_ONCE, total - from);
			const url = new URL(`/${what}?from=${from}&count=${count}`, running.url(name));
			const response = await fetch(url);
			if (!response.ok) throw new Error(`${url.href} was answered ${await response.text()}`);
		}
	}
}
