const BASE_MS = 50;
const MAX_MS = 2_000;

/** Returns the wait before an attempt in milliseconds: it doubles, and is spread over processes. */
export function backoffMs(attempt: number): number {
	const longest = Math.min(BASE_MS * 2 ** attempt, MAX_MS);
	return longest * (0.2 + 0.8 * Math.random());
}
