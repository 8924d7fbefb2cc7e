import { StreamError } from '@tmcp-sessions/core';
import type { SessionInbox } from '@tmcp-sessions/core/backend';

import type { Backoff } from './backoff.ts';
import type { OpenedSocket } from './open-socket.ts';
import { PACKAGE } from '../package-name.ts';

/** What an inbox needs of its manager. */
interface InboxOptions {
	/** Opens a socket for the inbox, in the request that calls. */
	readonly openSocket: () => Promise<OpenedSocket>;
	readonly backoff: Backoff;
	readonly take: (message: string) => void;
	/** Told why the inbox is deaf, where it became so. */
	readonly report: (cause: unknown) => void;
}

/**
 * An inbox as the request at work holds it: by a socket to the object. A call can outlast its
 * socket, since each deployment resets the object: a socket that is lost is replaced. A timer or the
 * socket keeps the request alive all the while.
 */
export class ReconnectingInbox implements SessionInbox {
	readonly #options: InboxOptions;
	/** Not there while it is being opened, and once the inbox is closed. */
	#socket: WebSocket | undefined;
	#closed = false;

	private constructor(options: InboxOptions) {
		this.#options = options;
	}

	/** @throws what `openSocket` throws. */
	static async open(options: InboxOptions): Promise<ReconnectingInbox> {
		const inbox = new ReconnectingInbox(options);
		await inbox.#listen();
		return inbox;
	}

	close(): void {
		this.#closed = true;
		this.#socket?.close(1000);
		this.#socket = undefined;
	}

	async #listen(): Promise<void> {
		const { socket } = await this.#options.openSocket();
		if (this.#closed) {
			socket.close(1000); // The inbox was closed meanwhile.
			return;
		}
		this.#socket = socket;
		socket.addEventListener('message', ({ data }) => {
			if (typeof data !== 'string' || this.#socket !== socket) return;
			this.#options.backoff.reset();
			this.#options.take(data);
		});
		socket.addEventListener('close', ({ code }) => this.#lose(socket, `closed with ${code}`));
		socket.addEventListener('error', ({ message }) => this.#lose(socket, message));
	}

	/** One socket can be lost twice, with an error and with a close; a closed inbox loses nothing. */
	#lose(socket: WebSocket, reason: string): void {
		if (this.#socket !== socket) return;
		this.#socket = undefined;
		socket.close(1000);
		const { backoff, report } = this.#options;
		const lost = new StreamError(PACKAGE, 'holding an inbox', reason);
		const isWanted = (): boolean => !this.#closed;
		backoff
			.retry(lost, isWanted, () => this.#listen())
			.then((failed) => failed !== undefined && report(failed), report);
	}
}
