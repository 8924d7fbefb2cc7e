import { createClient, createCluster } from '@redis/client';
import type { RedisClientOptions } from '@redis/client';

import { withTimeout } from '@tmcp-sessions/core/backend';

import type { RedisReply } from '../redis-connection.ts';
import { RedisTimeoutError } from '../redis-failure.ts';

/** Options of `@redis/client` for one connection. */
export type NodeOptions = Pick<
	RedisClientOptions,
	| 'credentialsProvider'
	| 'database'
	| 'disableOfflineQueue'
	| 'name'
	| 'password'
	| 'pingInterval'
	| 'socket'
	| 'url'
	| 'username'
>;

/** A connection for commands. */
export interface CommandClient {
	/** Sends a command to the primary of the key's slot. */
	send(key: string, command: readonly string[]): Promise<RedisReply>;
	/** Returns the address of the primary of a channel's slot. */
	nodeOf(channel: string): Promise<{ readonly host: string; readonly port: number }>;
	destroy(): void;
}

/**
 * @param timeoutMs for the whole of it: the client's own timeout ends once the socket is open.
 * @param onLoss called if the connection is lost.
 */
export async function openNode(
	url: string,
	options: NodeOptions,
	timeoutMs: number,
	onLoss: () => void,
): Promise<CommandClient> {
	const client = createClient({ ...options, url });
	// Pending commands reject with the same error.
	client.on('error', onLoss);
	client.on('end', onLoss);
	await connectWithin(timeoutMs, client);
	return {
		send: (_key, command) => client.sendCommand<RedisReply>(command),
		nodeOf: () => Promise.reject(new Error('this Redis is no cluster')),
		destroy() {
			if (client.isOpen) client.destroy();
		},
	};
}

/**
 * @param timeoutMs for the whole of it.
 * @param onLoss called if the connection to a node is lost.
 */
export async function openCluster(
	urls: readonly string[],
	options: NodeOptions,
	timeoutMs: number,
	onLoss: () => void,
): Promise<CommandClient> {
	const [first = ''] = urls;
	const { username, password } = new URL(first);
	const credentials = {
		...(username ? { username: decodeURIComponent(username) } : {}),
		...(password ? { password: decodeURIComponent(password) } : {}),
	};
	const cluster = createCluster({
		rootNodes: urls.map((url) => ({ url })),
		defaults: { ...credentials, ...options },
		minimizeConnections: true,
	});
	cluster.on('error', onLoss);
	cluster.on('node-error', onLoss);
	cluster.on('node-disconnect', onLoss);
	await connectWithin(timeoutMs, cluster);
	return {
		send: (key, command) => cluster.sendCommand<RedisReply>(key, false, [...command]),
		async nodeOf(channel) {
			const slot = await cluster.sendCommand<number>(channel, true, [
				'CLUSTER',
				'KEYSLOT',
				channel,
			]);
			const { host, port } = cluster.slots[slot]?.master ?? {};
			if (host === undefined || port === undefined) {
				throw new Error('CLUSTERDOWN no node serves the slot of the prefix');
			}
			return { host, port };
		},
		destroy() {
			if (cluster.isOpen) cluster.destroy();
		},
	};
}

interface Connectable {
	readonly isOpen: boolean;
	connect(): Promise<unknown>;
	destroy(): void;
}

/** Connects a client, or destroys it after a time. */
async function connectWithin(timeoutMs: number, client: Connectable): Promise<void> {
	try {
		await withTimeout(timeoutMs, client.connect(), () => new RedisTimeoutError(timeoutMs));
	} catch (error) {
		if (client.isOpen) client.destroy();
		throw error;
	}
}
