import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { within } from '../demo/expectation.ts';

/** A GET stream read with `node:http`, so that a test can break its connection. */
export class RawStream {
	readonly status: number;
	readonly #response: IncomingMessage;
	#text = '';

	/** Opens a stream of this session; resolves when its headers arrive. */
	static open(url: URL, sessionId: string, timeoutMs = 5_000): Promise<RawStream> {
		const headers = { accept: 'text/event-stream', 'mcp-session-id': sessionId };
		const opened = new Promise<RawStream>((resolve, reject) => {
			// Without the shared agent: each stream needs its own connection.
			get(url, { headers, agent: false }, (response) => resolve(new RawStream(response))).on(
				'error',
				reject,
			);
		});
		return within(timeoutMs, 'the status of a GET stream', opened);
	}

	private constructor(response: IncomingMessage) {
		this.#response = response;
		this.status = response.statusCode ?? 0;
		response.setEncoding('utf8');
		response.on('data', (chunk: string) => (this.#text += chunk));
		// Also reports a connection that `destroy` broke.
		response.on('error', () => undefined);
	}

	/** Counts the occurrences of `part` received so far. */
	count(part: string): number {
		return this.#text.split(part).length - 1;
	}

	/** Waits until `part` has been received. */
	async received(part: string, timeoutMs = 5_000): Promise<void> {
		const arrival = async (): Promise<void> => {
			while (this.count(part) === 0) {
				await new Promise((resolve) => this.#response.once('data', resolve));
			}
		};
		await within(timeoutMs, part, arrival(), () => this.#text || 'nothing');
	}

	/** Breaks the connection: `fin` closes the socket, `rst` resets it. */
	destroy(cause: 'fin' | 'rst'): void {
		if (cause === 'rst') this.#response.socket.resetAndDestroy();
		else this.#response.socket.destroy();
	}
}
