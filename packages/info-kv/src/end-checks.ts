/** How long a location may miss a write: https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency */
const STALE_MS = 60_000;
/** The longest time between the check of a writer and its write. A slower write is not sent. */
export const MAX_WRITE_DELAY_MS = 5_000;
/** The longest time between the check of a writer and the arrival of its write. */
const MAX_ARRIVAL_MS = MAX_WRITE_DELAY_MS + 10_000;
/** The number of sessions whose checks an isolate remembers, some 300 KB. */
const MAX_REMEMBERED = 2_000;

/**
 * Whether a reader has to look for the end of a session again, whose record was written over an end if
 * its writer did not see it.
 *
 * A check misses an end that is less than `STALE_MS` old. So a check is good for `STALE_MS`: then an end
 * is refused at the latest `2 * STALE_MS` after it. A check that is `STALE_MS` later than the arrival of
 * the write is good forever: it sees every end that the write may have replaced, and a later end has
 * replaced the record.
 *
 * @param writtenMs when the writer checked.
 * @param checkedMs the last check.
 */
export function isCheckDue(writtenMs: number, checkedMs: number, nowMs: number): boolean {
	const isFinal = checkedMs >= writtenMs + MAX_ARRIVAL_MS + STALE_MS;
	// `Math.abs`, because the clock may have been set back.
	return !isFinal && Math.abs(nowMs - checkedMs) > STALE_MS;
}

/** Remembers when this isolate last looked for the ends of sessions. */
export class EndChecks {
	readonly #checks = new Map<string, { readonly writtenMs: number; readonly checkedMs: number }>();

	/** Returns the last check of a record: that of its writer, unless this isolate has checked it. */
	lastMs(encodedId: string, writtenMs: number): number {
		const check = this.#checks.get(encodedId);
		return check?.writtenMs === writtenMs ? check.checkedMs : writtenMs;
	}

	add(encodedId: string, writtenMs: number, checkedMs: number): void {
		if (this.#checks.size >= MAX_REMEMBERED) this.#checks.clear();
		this.#checks.set(encodedId, { writtenMs, checkedMs });
	}
}
