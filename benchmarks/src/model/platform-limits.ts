/** One limit that Cloudflare publishes, and where. */
interface Limit {
	readonly value: number;
	readonly says: string;
	readonly source: string;
}

/** As published in November 2026. */
export const platformLimits = {
	requestsOfObject: {
		value: 1_000,
		says: 'requests a second of one object, a soft limit',
		source: 'https://developers.cloudflare.com/durable-objects/platform/limits/',
	},
	socketsOfObject: {
		value: 32_768,
		says: 'hibernating WebSockets of one object, fewer where CPU or memory run out',
		source: 'https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket',
	},
	bytesOfObject: {
		value: 10e9,
		says: 'bytes stored in one object',
		source: 'https://developers.cloudflare.com/durable-objects/platform/limits/',
	},
	writesOfKey: {
		value: 1,
		says: 'write a second to one key of KV; reads and other keys have no limit',
		source: 'https://developers.cloudflare.com/kv/platform/limits/',
	},
} as const satisfies Record<string, Limit>;
