import type { InfoManagerName } from '../contenders/info-managers.ts';

/** What no count and no declaration tells of an info manager. */
interface ComparedManager {
	readonly title: string;
	/** The folder in `packages` of each package that it takes. */
	readonly packages: readonly string[];
	readonly runtimes: string;
}

/** The rows of the comparison, in their order. */
export const comparedManagers: Readonly<Record<InfoManagerName, ComparedManager>> = {
	memory: { title: 'memory', packages: ['core'], runtimes: 'any, in one process' },
	kv: { title: 'KV', packages: ['info-kv'], runtimes: 'Cloudflare Workers' },
	'durable-object': {
		title: 'Durable Object',
		packages: ['info-durable-object'],
		runtimes: 'Cloudflare Workers',
	},
	mixed: {
		title: 'mixed (`splitInfo`)',
		packages: ['info-kv', 'info-durable-object'],
		runtimes: 'Cloudflare Workers',
	},
	cached: {
		title: 'cached (`cachedInfo`)',
		packages: ['info-kv', 'info-durable-object'],
		runtimes: 'Cloudflare Workers',
	},
	upstash: { title: 'Upstash', packages: ['info-upstash'], runtimes: 'any with `fetch`' },
	sealed: {
		title: 'sealed, over Durable Object',
		packages: ['info-sealed', 'info-durable-object'],
		runtimes: 'as those of what it is over',
	},
};

/** The names of all of them, in the order of the rows. */
// Sound: the keys are those of the literal above.
export const managerNames = Object.keys(comparedManagers) as InfoManagerName[];
