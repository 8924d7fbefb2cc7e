import { SOCKET_CHECK, watchSocket } from '@tmcp-sessions/core/internal';

import type { Backoff } from './backoff.ts';
import { createStreamError } from '../stream-error.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';

const FINAL: ReadonlySet<number> = new Set(Object.values(FINAL_CLOSE_CODES));

/** Stands for the socket that a stream shares, which the request of another stream closes. */
export class SharedConnection {
	close(): void {}
}

interface ReconnectingSocketOptions {
	/** The purpose of the socket, for errors: "holding a stream". */
	readonly operation: string;
	/** Opens a socket, in the request that owns it. */
	readonly open: () => Promise<{ readonly socket: SharedConnection | WebSocket }>;
	readonly backoff: Backoff;
	/** Called when a socket is open. */
	readonly onOpen?: (() => void) | undefined;
	/** Called when a socket is lost, before the attempts to replace it. */
	readonly onLoss?: (() => void) | undefined;
	readonly onMessage: (message: string, socket: WebSocket) => void;
	/** Called with what a socket still receives that was closed or replaced. */
	readonly onLateMessage?: ((message: string, socket: WebSocket) => void) | undefined;
	/** Called with a code of `FINAL_CLOSE_CODES`. Omit it to reconnect after every close. */
	readonly onFinalClose?: ((code: number) => void) | undefined;
	/**
	 * Called with the reason if a lost socket could not be replaced for 30 seconds.
	 *
	 * @returns whether to go on trying. It is then called once for each loss.
	 */
	readonly onFailure: (cause: unknown) => boolean;
}

/**
 * Holds a socket to the object, and replaces it when it is lost: a stream or a call outlasts its
 * socket, since each deployment resets the object. A timer or the socket keeps the request alive.
 */
export class ReconnectingSocket {
	readonly #options: ReconnectingSocketOptions;
	/** `undefined` while a socket is being opened, and after `close`. */
	#socket: SharedConnection | WebSocket | undefined;
	#isClosed = false;

	constructor(options: ReconnectingSocketOptions) {
		this.#options = options;
	}

	get isClosed(): boolean {
		return this.#isClosed;
	}

	/** Opens the first socket. @throws as the option `open` does. */
	async open(): Promise<void> {
		const { socket } = await this.#options.open();
		if (this.#isClosed) {
			socket.close(1000); // The client disconnected meanwhile.
			return;
		}
		this.#socket = socket;
		this.#options.onOpen?.();
		if (socket instanceof SharedConnection) return;
		socket.addEventListener('message', ({ data }) => {
			if (typeof data !== 'string' || data === SOCKET_CHECK) return;
			if (this.#socket === socket) this.#options.onMessage(data, socket);
			else this.#options.onLateMessage?.(data, socket);
		});
		socket.addEventListener('close', ({ code }) =>
			this.#handleLoss(socket, `closed with ${code}`, code),
		);
		socket.addEventListener('error', ({ message }) => this.#handleLoss(socket, message));
		watchSocket(socket, () => this.#handleLoss(socket, 'the object does not respond'));
	}

	close(): void {
		this.#isClosed = true;
		const socket = this.#socket;
		this.#socket = undefined;
		socket?.close(1000);
	}

	/** Replaces the socket, in the request that owns it. */
	replace(reason: string): void {
		if (this.#socket) this.#handleLoss(this.#socket, reason);
	}

	/** Ends a stream that shares a socket, with a code of `FINAL_CLOSE_CODES`. */
	end(code: number): void {
		if (this.#socket) this.#handleLoss(this.#socket, `closed with ${code}`, code);
	}

	/** Called twice for a socket that has an error and then closes: only the first call finds it current. */
	#handleLoss(socket: SharedConnection | WebSocket, reason: string, code = 0): void {
		if (this.#socket !== socket) return;
		const { operation, onFinalClose, onLoss, onFailure } = this.#options;
		if (onFinalClose && FINAL.has(code)) return onFinalClose(code);
		this.#socket = undefined;
		onLoss?.();
		socket.close(1000);
		this.#replace(createStreamError(operation, reason)).catch(onFailure);
	}

	async #replace(lost: Error): Promise<void> {
		const { backoff, onFailure } = this.#options;
		let goesOn: boolean | undefined;
		for (;;) {
			const failure = await backoff.retry(
				lost,
				() => !this.#isClosed,
				() => this.open(),
			);
			if (failure === undefined) return;
			goesOn ??= onFailure(failure);
			if (!goesOn) return;
			backoff.extend();
		}
	}
}
