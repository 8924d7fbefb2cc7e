import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { openStream } from '../mcp-requests.ts';

/** What came of one message: how long it took until the last one had it, and how many never did. */
export interface Delivery {
	readonly ms: number;
	readonly missing: number;
}

const OPENED_AT_ONCE = 50;
/** In each message that is waited for; split between two chunks at most. */
const MARK = 'event: message';

/** GET streams of many sessions over bare sockets, which cost the client next to nothing. */
export class RawStreams {
	readonly #sockets: Socket[] = [];
	#received = 0;
	#onReceived: () => void = () => {};

	/** Opens a stream of each session. @throws where one is not answered with 200. */
	static async open(url: string, sessions: readonly string[]): Promise<RawStreams> {
		const streams = new RawStreams();
		for (let at = 0; at < sessions.length; at += OPENED_AT_ONCE) {
			const some = sessions.slice(at, at + OPENED_AT_ONCE);
			await Promise.all(some.map((session) => streams.#open(url, session)));
		}
		return streams;
	}

	/**
	 * Counts what arrives from a publish on.
	 *
	 * @param expected how many messages there will be, on all streams together.
	 * @param withinMs how long to wait for them.
	 */
	async delivery(
		expected: number,
		publish: () => Promise<unknown>,
		withinMs: number,
	): Promise<Delivery> {
		const before = this.#received;
		const startMs = performance.now();
		let lastMs = startMs;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#onReceived = () => {
			lastMs = performance.now();
			if (this.#received - before >= expected) resolve();
		};
		const timer = setTimeout(resolve, withinMs);
		await Promise.all([publish(), promise]);
		clearTimeout(timer);
		return { ms: lastMs - startMs, missing: before + expected - this.#received };
	}

	/** Ends all connections. */
	close(): void {
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
		socket.write(`${[`${method} ${pathname} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
		let tail = '';
		socket.on('data', (data: string) => {
			if (tail === '') {
				if (data.startsWith('HTTP/1.1 200')) resolve();
				else reject(new Error(`expected a stream of ${url}, was answered ${data.slice(0, 200)}`));
			}
			const parts = (tail + data).split(MARK);
			tail = parts.at(-1)?.slice(-MARK.length + 1) ?? '';
			if (tail === '') tail = '\n';
			if (parts.length === 1) return;
			this.#received += parts.length - 1;
			this.#onReceived();
		});
		socket.on('error', reject);
		return promise;
	}
}
