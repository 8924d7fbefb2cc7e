/** A platform that answers are served by, as their headers tell. */
export interface Platform {
	readonly name: string;
	/**
	 * The 95th percentile of an ordinary request, in milliseconds, above which users wait noticeably:
	 * a distant region and some cold starts are included.
	 */
	readonly p95Ms: number;
}

const LOCAL: Platform = { name: 'this machine', p95Ms: 500 };
const OTHER: Platform = { name: 'an unknown platform', p95Ms: 2_000 };

const BY_HEADER: readonly (readonly [header: string, value: RegExp, platform: Platform])[] = [
	['x-vercel-id', /./, { name: 'Vercel', p95Ms: 2_000 }],
	['cf-ray', /./, { name: 'Cloudflare', p95Ms: 1_000 }],
	['server', /^deno/i, { name: 'Deno Deploy', p95Ms: 1_500 }],
	['x-amzn-requestid', /./, { name: 'AWS Lambda', p95Ms: 2_000 }],
	['fly-request-id', /./, { name: 'Fly.io', p95Ms: 1_000 }],
	['x-cloud-trace-context', /./, { name: 'Google Cloud', p95Ms: 2_000 }],
];

/** Finds out which platform has sent a response. */
export function platformOf({ hostname }: URL, headers: Headers): Platform {
	if (/^(?:localhost|127\.[\d.]+|\[::1\])$|\.localhost$/.test(hostname)) return LOCAL;
	const found = BY_HEADER.find(([header, value]) => value.test(headers.get(header) ?? ''));
	return found?.[2] ?? OTHER;
}
