/** Whether this is workerd: on Cloudflare, or in `wrangler dev`. */
export function isWorkers(): boolean {
	// Safe because every value may lack the property.
	const { navigator } = globalThis as { navigator?: { userAgent?: string } };
	return navigator?.userAgent === 'Cloudflare-Workers';
}
