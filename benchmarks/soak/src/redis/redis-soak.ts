import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, startRedisPair, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import { clientFaults } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { Counts } from '../ledger.ts';
import { storm } from '../soak.ts';
import type { SoakResult, StormOptions } from '../soak.ts';
import { SoakedProcess } from './soaked-process.ts';

const isolates = ['a', 'b', 'c'] as const;
type Isolate = (typeof isolates)[number];

/** Few messages go to many sessions, so that a run has many messages. */
const shares = { all: 0.01, subscribers: 0.05 };
/** How long replication is stopped before a failover: what is written meanwhile is lost. */
const UNREPLICATED_MS = 800;
/** The share of clients that are away meanwhile, and so miss what is lost. */
const SHARE_AWAY = 0.2;

/** A Redis for the processes of a soak. */
interface SoakedRedis {
	/** Returns the port for the next process. */
	port(): Promise<number>;
	readonly faults: Faults;
	stop(): Promise<void>;
}

/** Starts one Redis, to which each process has connections that can be reset. */
async function startOneRedis(): Promise<SoakedRedis> {
	const redis = await startRedis();
	const proxies: Awaited<ReturnType<typeof startRedisProxy>>[] = [];
	return {
		async port() {
			const proxy = await startRedisProxy(redis.port);
			proxies.push(proxy);
			return proxy.port;
		},
		faults: {
			'connections to Redis reset': async ({ random }) => {
				const proxy = proxies[Math.floor(random() * proxies.length)];
				proxy?.reset();
				return proxy ? 1 : 0;
			},
		},
		async stop() {
			for (const proxy of proxies) await proxy.stop();
			await redis.stop();
		},
	};
}

/** Starts a primary with a replica, which take turns. */
async function startFailingPair(): Promise<SoakedRedis> {
	const pair = await startRedisPair();
	return {
		port: async () => pair.proxy.port,
		faults: {
			'failovers that lose writes': async ({ clients, random }) => {
				await pair.loseWrites();
				for (const client of clients) if (random() < SHARE_AWAY) client.destroy();
				await delay(UNREPLICATED_MS);
				await pair.failOver();
				return 1;
			},
		},
		stop: () => pair.stop(),
	};
}

/** Starts three processes over one Redis, runs a storm over them, and returns what arrived. */
export async function soakRedis(
	options: StormOptions & { readonly failover: boolean },
	onProgress: (line: string) => void,
): Promise<SoakResult> {
	const logged = new Counts();
	const onLog = (line: string): void =>
		logged.add(line.replaceAll(/\b[\w-]*\d[\w-]*\b/g, '#').slice(0, 300));
	const redis = options.failover ? await startFailingPair() : await startOneRedis();
	const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
	const processes = new Map<Isolate, SoakedProcess>();
	try {
		for (const isolate of isolates) {
			const url = `redis://127.0.0.1:${await redis.port()}`;
			const env = { REDIS_URL: url, TMCP_SESSION_KEYS: keys };
			const started = new SoakedProcess(env, onLog);
			processes.set(isolate, started);
			await started.start();
		}
		const url = (isolate: Isolate): URL => processes.get(isolate)?.url ?? new URL('http://none');
		const kill: Faults = {
			'processes killed': async ({ random }) => {
				const isolate = isolates[Math.floor(random() * isolates.length)];
				const killed = isolate && processes.get(isolate);
				await killed?.kill();
				await killed?.start();
				return killed ? 1 : 0;
			},
		};
		const faults = options.failover ? redis.faults : { ...clientFaults, ...kill, ...redis.faults };
		const target = { isolates, url, faults, shares };
		return { ...(await storm(options, target, onProgress)), logged };
	} finally {
		await Promise.all([...processes.values()].map((each) => each.kill()));
		await redis.stop();
	}
}
