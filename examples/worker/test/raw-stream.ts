import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { within } from '../demo/expectation.ts';

/** A GET stream without a client around it, whose connection can break in every way. */
export class RawStream {
	readonly status: number;
	readonly #response: IncomingMessage;
	#text = '';

	/** Opens a stream of this session; settles as soon as the status is there. */
	static open(url: URL, sessionId: string, timeoutMs = 5_000): Promise<RawStream> {
		const headers = { accept: 'text/event-stream', 'mcp-session-id': sessionId };
		const opened = new Promise<RawStream>((resolve, reject) => {
			// An agent of its own: no connection is used twice.
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
		// A connection that this side breaks is reported here as well.
		response.on('error', () => undefined);
	}

	/** How often `part` has come in so far. */
	count(part: string): number {
		return this.#text.split(part).length - 1;
	}

	/** Waits until `part` has come in. */
	async heard(part: string, timeoutMs = 5_000): Promise<void> {
		const arrival = async (): Promise<void> => {
			while (this.count(part) === 0) {
				await new Promise((resolve) => this.#response.once('data', resolve));
			}
		};
		await within(timeoutMs, part, arrival(), () => this.#text || 'nothing');
	}

	/** Breaks the connection without a goodbye: `fin` closes the socket, `rst` resets it. */
	destroy(how: 'fin' | 'rst'): void {
		if (how === 'rst') this.#response.socket.resetAndDestroy();
		else this.#response.socket.destroy();
	}
}
