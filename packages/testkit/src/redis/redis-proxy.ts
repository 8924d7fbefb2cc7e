import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy in front of a Redis, which can fail. */
export interface RedisProxy {
	readonly port: number;
	/** The port that new connections are forwarded to. */
	target: number;
	/** Whether new connections are reset. */
	isRefusing: boolean;
	/** How long each answer of Redis is held back, in milliseconds. Applies to new data. */
	answerDelayMs: number;
	/** Whether answers of Redis are discarded. */
	isSilent: boolean;
	/** The number of open connections. */
	readonly connections: number;
	/** Resets all connections. */
	reset(): void;
	stop(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startRedisProxy(target: number): Promise<RedisProxy> {
	const sockets = new Set<Socket>();
	const server = createServer((client) => {
		if (proxy.isRefusing) {
			client.resetAndDestroy();
			return;
		}
		const redis = connect(proxy.target, '127.0.0.1');
		const destroy = (): void => {
			sockets.delete(client);
			client.resetAndDestroy();
			redis.destroy();
		};
		sockets.add(client);
		for (const socket of [client, redis]) socket.on('error', destroy).on('close', destroy);
		client.on('data', (chunk) => redis.write(chunk));
		redis.on('data', (chunk) => {
			if (proxy.isSilent) return;
			const answer = (): void => {
				if (!client.destroyed) client.write(chunk);
			};
			if (proxy.answerDelayMs === 0) answer();
			else setTimeout(answer, proxy.answerDelayMs);
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Safe because a server that listens on a port has an AddressInfo.
	const { port } = server.address() as AddressInfo;
	const proxy: RedisProxy = {
		port,
		target,
		isRefusing: false,
		answerDelayMs: 0,
		isSilent: false,
		get connections() {
			return sockets.size;
		},
		reset() {
			for (const socket of sockets) socket.resetAndDestroy();
		},
		async stop() {
			this.reset();
			server.close();
			await once(server, 'close');
		},
	};
	return proxy;
}
