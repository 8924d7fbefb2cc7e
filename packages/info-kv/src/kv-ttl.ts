/** The shortest `expirationTtl` that KV accepts. */
export const MIN_TTL_SECONDS = 60;

/** Returns the `expirationTtl` of a key that is to be removed in `ms` milliseconds, or soon after. */
export function ttlSeconds(ms: number): number {
	return Math.max(MIN_TTL_SECONDS, Math.ceil(ms / 1000));
}
