import { sleep } from '@tmcp-sessions/core/backend';

import { startRedisProxy } from './redis-proxy.ts';
import type { RedisProxy } from './redis-proxy.ts';
import { startRedis } from './start-redis.ts';
import type { RunningRedis } from './start-redis.ts';

const SYNC_MS = 20_000;

/** A primary with a replica behind one address. */
export interface RunningRedisPair {
	/** The address of the current primary. */
	readonly proxy: RedisProxy;
	/** The current primary. */
	readonly primary: RunningRedis;
	readonly replica: RunningRedis;
	/** Stops replication after all writes so far: later ones are lost by the next failover, although they are acknowledged. */
	loseWrites(): Promise<void>;
	/**
	 * Makes the replica the primary, and the primary its replica. Connections are reset. Waits until the
	 * replica has all writes, unless `loseWrites` has stopped replication.
	 *
	 * @param isAbrupt does not wait: the last writes may be lost.
	 */
	failOver(isAbrupt?: boolean): Promise<void>;
	stop(): Promise<void>;
}

/**
 * Starts a primary with a replica.
 *
 * @throws {TmcpSessionsError} if `redis-server` is not installed or does not start.
 */
export async function startRedisPair(): Promise<RunningRedisPair> {
	// By default, a primary waits five seconds for more replicas before it sends its data.
	const settings = { 'repl-diskless-sync-delay': '0' };
	let [primary, replica] = await Promise.all([startRedis(settings), startRedis(settings)]);
	await follow(replica, primary);
	let isReplicating = true;
	const proxy = await startRedisProxy(primary.port);
	return {
		proxy,
		get primary() {
			return primary;
		},
		get replica() {
			return replica;
		},
		async loseWrites() {
			await waitForOffset(replica, await replicationOffset(primary));
			await replica.command('REPLICAOF', 'NO', 'ONE');
			isReplicating = false;
		},
		async failOver(isAbrupt = false) {
			if (isReplicating && !isAbrupt) {
				await waitForOffset(replica, await replicationOffset(primary));
			}
			[primary, replica] = [replica, primary];
			await primary.command('REPLICAOF', 'NO', 'ONE');
			proxy.target = primary.port;
			proxy.reset();
			await follow(replica, primary);
			isReplicating = true;
		},
		async stop() {
			await proxy.stop();
			await Promise.all([primary.stop(), replica.stop()]);
		},
	};
}

/** Returns how much a Redis has written to, or has read from, the stream of replication. */
async function replicationOffset(redis: RunningRedis): Promise<number> {
	const state = String(await redis.command('INFO', 'replication'));
	const [, offset] = /^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(state) ?? [];
	return Number(offset);
}

async function waitForOffset(replica: RunningRedis, offset: number): Promise<void> {
	const deadline = Date.now() + SYNC_MS;
	while ((await replicationOffset(replica)) < offset) {
		if (Date.now() > deadline) throw new Error(`the replica does not reach the offset ${offset}`);
		await sleep(5);
	}
}

/** Makes a Redis the replica of another one, and waits until it has its data. */
async function follow(replica: RunningRedis, primary: RunningRedis): Promise<void> {
	await replica.command('REPLICAOF', '127.0.0.1', String(primary.port));
	const deadline = Date.now() + SYNC_MS;
	for (;;) {
		const state = String(await replica.command('INFO', 'replication'));
		if (state.includes('master_link_status:up')) return;
		if (Date.now() > deadline) throw new Error(`the replica has no data: ${state}`);
		await sleep(20);
	}
}
