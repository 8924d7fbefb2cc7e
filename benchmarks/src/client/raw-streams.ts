import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { openStream } from './mcp.ts';

/** The delivery of one message. */
export interface Delivery {
	/** The time until the last receiver had it. */
	readonly ms: number;
	/** The number of receivers that never got it. */
	readonly missing: number;
}

const CONCURRENCY = 50;
/** Part of each message. Two chunks at most can split it. */
const MARK = 'event: message';

/** GET streams of many sessions over bare sockets, which cost the client almost nothing. */
export class RawStreams {
	readonly #sockets: Socket[] = [];
	#received = 0;
	#ended = 0;
	#onReceived: () => void = () => {};

	/** Opens a stream of each session. Rejects if a response is not 200. */
	static async open(url: string, sessions: readonly string[]): Promise<RawStreams> {
		const streams = new RawStreams();
		for (let start = 0; start < sessions.length; start += CONCURRENCY) {
			const batch = sessions.slice(start, start + CONCURRENCY);
			await Promise.all(batch.map((session) => streams.#open(url, session)));
		}
		return streams;
	}

	/** The number of streams that have ended. */
	get ended(): number {
		return this.#ended;
	}

	/** Publishes, and waits until so many messages have arrived on all streams together, or a timeout. */
	async delivery(
		expected: number,
		publish: () => Promise<unknown>,
		timeoutMs: number,
	): Promise<Delivery> {
		const before = this.#received;
		const startMs = performance.now();
		let lastMs = startMs;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#onReceived = () => {
			lastMs = performance.now();
			if (this.#received - before >= expected) resolve();
		};
		const timer = setTimeout(resolve, timeoutMs);
		await Promise.all([publish(), promise]);
		clearTimeout(timer);
		return { ms: lastMs - startMs, missing: before + expected - this.#received };
	}

	/** Closes all connections. */
	[Symbol.dispose](): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	#open(url: string, session: string): Promise<void> {
		const { hostname, port, pathname, host } = new URL(url);
		const { method, headers } = openStream(session);
		const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const socket = connect({ host: hostname, port: Number(port) });
		this.#sockets.push(socket);
		socket.setEncoding('latin1');
		socket.write([`${method} ${pathname} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
		let tail = '';
		socket.on('data', (data: string) => {
			if (tail === '' && !data.startsWith('HTTP/1.1 200')) {
				reject(new Error(`a stream of ${url} must return 200; got ${data.slice(0, 200)}`));
			}
			resolve();
			const pieces = (tail + data).split(MARK);
			tail = pieces.at(-1)?.slice(-MARK.length + 1) || '\n';
			if (pieces.length === 1) return;
			this.#received += pieces.length - 1;
			this.#onReceived();
		});
		socket.on('error', reject);
		socket.on('close', () => (this.#ended += 1));
		return promise;
	}
}
