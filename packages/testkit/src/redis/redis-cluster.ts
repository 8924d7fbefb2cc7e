import { sleep } from '@tmcp-sessions/core/backend';

import { connectRedis } from './redis-connection.ts';
import type { RedisConnection, RedisReply } from './redis-connection.ts';
import { freePort, startRedisProcess } from './redis-process.ts';
import type { RedisProcess } from './redis-process.ts';

const SLOTS = 16_384;
const READY_MS = 20_000;

/** A cluster of three primaries. */
export interface RunningRedisCluster {
	/** The URLs of its nodes. */
	readonly urls: readonly string[];
	/** A connection to each node, in the order of the URLs. */
	readonly nodes: readonly Pick<RedisConnection, 'send'>[];
	/** Sends a command to the node that has its first key. */
	command(name: string, key: string, ...args: string[]): Promise<RedisReply>;
	stop(): Promise<void>;
}

/**
 * Starts a cluster of three nodes, each with a third of the slots, on free ports of 127.0.0.1.
 *
 * @throws {TmcpSessionsError} if `redis-server` is not installed or does not start.
 */
export async function startRedisCluster(): Promise<RunningRedisCluster> {
	const nodes: RedisProcess[] = [];
	const connections: RedisConnection[] = [];
	const stop = async (): Promise<void> => {
		for (const connection of connections) connection.close();
		await Promise.all(nodes.map((node) => node.stop()));
	};
	try {
		for (let index = 0; index < 3; index++) {
			const busPort = await freePort();
			const node = await startRedisProcess({
				'cluster-enabled': 'yes',
				'cluster-config-file': 'nodes.conf',
				'cluster-node-timeout': '5000',
				'cluster-port': String(busPort),
			});
			nodes.push(node);
			const connection = await connectRedis(node.port);
			connections.push(connection);
			const range = [firstSlot(index), firstSlot(index + 1) - 1].map(String);
			await connection.send(['CLUSTER', 'ADDSLOTSRANGE', ...range]);
			await connection.send(['CLUSTER', 'SET-CONFIG-EPOCH', `${index + 1}`]);
			const [first] = connections;
			if (first !== connection) {
				const address = ['127.0.0.1', `${node.port}`, `${busPort}`];
				await first?.send(['CLUSTER', 'MEET', ...address]);
			}
		}
		await untilReady(connections);
	} catch (error) {
		await stop();
		throw error;
	}
	return {
		urls: nodes.map(({ port }) => `redis://127.0.0.1:${port}`),
		nodes: connections,
		async command(name, key, ...args) {
			const slot = Number(await connections[0]?.send(['CLUSTER', 'KEYSLOT', key]));
			const node = connections.find((_, index) => slot < firstSlot(index + 1));
			return node?.send([name, key, ...args]) ?? null;
		},
		stop,
	};
}

/** Returns the first slot of a node. */
function firstSlot(index: number): number {
	return Math.floor((SLOTS * index) / 3);
}

/** Waits until every node knows that all slots are served. */
async function untilReady(connections: readonly RedisConnection[]): Promise<void> {
	const deadline = Date.now() + READY_MS;
	for (const connection of connections) {
		for (;;) {
			const state = String(await connection.send(['CLUSTER', 'INFO']));
			if (state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3')) break;
			if (Date.now() > deadline) throw new Error(`the Redis cluster is not ready: ${state}`);
			await sleep(50);
		}
	}
}
