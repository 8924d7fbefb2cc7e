import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, startRedisCluster, startServerProcess } from '@tmcp-sessions/testkit/redis';
import type { RedisReply, ServerProcess } from '@tmcp-sessions/testkit/redis';
import { McpClient } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { routeAnswers, routeCancellations, routeResumes } from '../redis/routed-client.ts';
import { table } from '../reports/markdown.ts';
import { measurement } from './measurement.ts';
import type { Aim, Effort } from './measurement.ts';

const file = join(import.meta.dirname, '../redis/process.ts');
const efforts = {
	full: { streams: 5_000, routed: 1_000 },
	quick: { streams: 50, routed: 20 },
} satisfies Record<Effort, object>;
/** The time to let a process settle before its memory is read. */
const SETTLING_MS = 1_000;

/** The memory of a process for each idle stream, in bytes. */
interface StreamBytes {
	readonly heap: number;
	readonly resident: number;
}

/** What arrived at the right process, of all that was sent to another one. */
interface Routed {
	readonly cancellations: number;
	readonly answers: number;
	readonly resumes: number;
}

interface RedisStreams {
	readonly streams: number;
	readonly bytes: { readonly redis: StreamBytes; readonly memory: StreamBytes };
	/** The connections that a process with these streams holds: to one node, and to each of a cluster. */
	readonly connections: { readonly single: number; readonly cluster: readonly number[] };
	readonly routed: number;
	readonly arrived: Routed;
}

/** Measures processes of Node.js over one Redis: memory, connections, and what reaches the right process. */
export const redisStreams = measurement<RedisStreams>({
	async measure(effort, onProgress) {
		const { routed, streams } = efforts[effort];
		onProgress(`${streams} idle streams in memory`);
		const memory = await measureStreams({}, streams, () => Promise.resolve([0]));
		const redis = await startRedis();
		const cluster = await startRedisCluster();
		try {
			const url = `redis://127.0.0.1:${redis.port}`;
			onProgress(`${streams} idle streams over Redis`);
			const single = await measureStreams({ REDIS_URL: url }, streams, async () => [
				countClients(await redis.command('CLIENT', 'LIST')),
			]);
			onProgress(`${streams} idle streams over a cluster`);
			const env = { REDIS_CLUSTER: cluster.urls.join(',') };
			const onCluster = await measureStreams(env, streams, () =>
				Promise.all(
					cluster.nodes.map(async (node) => countClients(await node.send(['CLIENT', 'LIST']))),
				),
			);
			onProgress(`${routed} cancellations, answers and resumes over two processes`);
			return {
				streams,
				bytes: { redis: single.bytes, memory: memory.bytes },
				connections: {
					single: single.connections[0] ?? NaN,
					cluster: onCluster.connections,
				},
				routed,
				arrived: await measureRouting({ REDIS_URL: url }, routed),
			};
		} finally {
			await redis.stop();
			await cluster.stop();
		}
	},

	format({ arrived, bytes, connections, routed, streams }) {
		const kib = (count: number): string => (count / 1024).toFixed(1);
		const held = table(
			`a process of Node.js with ${streams.toLocaleString('en')} idle streams | KiB of heap for each | KiB of resident memory for each | connections to one Redis | to the nodes of a cluster`,
			[
				[
					'`RedisStreamSessionManager`',
					kib(bytes.redis.heap),
					kib(bytes.redis.resident),
					String(connections.single),
					connections.cluster.join(', '),
				],
				[
					'`InMemoryStreamSessionManager` of tmcp',
					kib(bytes.memory.heap),
					kib(bytes.memory.resident),
					'',
					'',
				],
			],
		);
		const reached = table(
			'sent to the other one of two processes | reached the right one',
			(['cancellations', 'answers', 'resumes'] as const).map((kind) => [
				kind === 'answers' ? 'answers to server requests' : kind,
				`${arrived[kind].toLocaleString('en')} of ${routed.toLocaleString('en')}`,
			]),
		);
		return `${held}\n\n${reached}`;
	},

	aims: ({ arrived, connections, routed }) => [
		...(['cancellations', 'answers', 'resumes'] as const).map((kind): Aim => ({
			subject: `${kind} that reach the right process`,
			least: 1,
			found: arrived[kind] / routed,
			isExact: true,
		})),
		{ subject: 'connections to one Redis', most: 2, found: connections.single, isExact: true },
		{
			subject: 'connections to one node of a cluster',
			most: 2,
			found: Math.max(...connections.cluster),
			isExact: true,
		},
	],
});

/** Opens idle streams in a process, and returns what it holds. */
async function measureStreams(
	variables: Readonly<Record<string, string>>,
	count: number,
	countConnections: () => Promise<number[]>,
): Promise<{ bytes: StreamBytes; connections: number[] }> {
	const without = await countConnections();
	const server = await start(variables);
	try {
		using stack = new DisposableStack();
		const url = new URL('/mcp', server.url).href;
		const open = async (streams: number): Promise<RawStreams> =>
			RawStreams.open(url, await new McpClient(url).openSessions(streams));
		stack.use(await open(Math.ceil(count / 10))); // Allocates what all streams share.
		const before = await readMemory(server);
		stack.use(await open(count));
		const after = await readMemory(server);
		const connections = (await countConnections()).map(
			(connected, index) => connected - (without[index] ?? 0),
		);
		const perStream = (total: number): number => Math.round(total / count);
		return {
			bytes: {
				heap: perStream(after.heap - before.heap),
				resident: perStream(after.resident - before.resident),
			},
			connections,
		};
	} finally {
		await server.kill();
	}
}

async function measureRouting(
	variables: Readonly<Record<string, string>>,
	count: number,
): Promise<Routed> {
	const servers = await Promise.all([start(variables), start(variables)]);
	try {
		const [first, second] = servers.map((server) => new URL('/mcp', server.url));
		if (!first || !second) throw new Error('two processes must run');
		const pair = { first, second };
		return {
			cancellations: await routeCancellations(pair, count),
			answers: await routeAnswers(pair, count),
			resumes: await routeResumes(pair, count),
		};
	} finally {
		await Promise.all(servers.map((server) => server.kill()));
	}
}

const sessionKeys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');

function start(variables: Readonly<Record<string, string>>): Promise<ServerProcess> {
	return startServerProcess(file, { env: { ...variables, TMCP_SESSION_KEYS: sessionKeys } });
}

async function readMemory({ url }: ServerProcess): Promise<StreamBytes> {
	await delay(SETTLING_MS);
	const response = await fetch(new URL('/memory', url));
	return response.json<StreamBytes>();
}

/** Returns the number of clients in a list of Redis, without replicas and the nodes of a cluster. */
function countClients(list: RedisReply): number {
	return String(list)
		.split('\n')
		.filter((line) => line.includes(' addr=127')).length;
}
