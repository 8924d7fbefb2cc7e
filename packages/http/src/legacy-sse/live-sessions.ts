import { TmcpSessionsError } from '@tmcp-sessions/core';
import { sleep } from '@tmcp-sessions/core/backend';
import { hasStreamPresence } from '@tmcp-sessions/core/internal';
import { HttpRejection } from '../request/http-rejection.ts';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';

/** When a stream that has just lost its way to the backend is looked for again: after 3 s it is not. */
const LOOKS_AFTER_MS = [100, 200, 400, 800, 1_500];

/** Whether anybody would hear the answer to a message. */
export class LiveSessions {
	readonly #streams: StreamSessionManager;
	readonly #info: InfoSessionManager;
	readonly #path: string;

	/** @param path where a new stream is opened: clients are told. */
	constructor(streams: StreamSessionManager, info: InfoSessionManager, path: string) {
		this.#streams = streams;
		this.#info = info;
		this.#path = path;
	}

	/**
	 * Looks for what a message needs before it is accepted: the session's stream, which is what makes
	 * it live, and what is known of the client.
	 *
	 * @param isNew whether it is `initialize`: nothing is known, and Workers KV remembers for a minute
	 * that it was asked in vain.
	 * @throws {HttpRejection} 404, where the stream has ended.
	 * @throws {StoreError} {@link StreamError} where a backend is down.
	 */
	async require(id: string, isNew: boolean): Promise<void> {
		// The read is the one that the transport's own three share: none of them fails after it.
		const [hasStream] = await Promise.all([this.#waitForStream(id), isNew || this.#readInfo(id)]);
		if (!hasStream) throw unknownSession('The stream of the session has ended', this.#path);
	}

	/** A backend that is deployed anew loses all sockets, and has them again in a moment. */
	async #waitForStream(id: string): Promise<boolean> {
		for (const ms of LOOKS_AFTER_MS) {
			if (await this.#hasStream(id)) return true;
			await sleep(ms);
		}
		return this.#hasStream(id);
	}

	async #hasStream(id: string): Promise<boolean> {
		return hasStreamPresence(this.#streams)
			? this.#streams.hasOpenStream(id)
			: this.#streams.has(id);
	}

	/** The transport takes every failure for a client that said nothing of itself. */
	async #readInfo(id: string): Promise<void> {
		try {
			await this.#info.getClientCapabilities(id);
		} catch (error) {
			if (error instanceof TmcpSessionsError && error.code === 'store') throw error;
		}
	}
}

/** The refusal of a message whose session nobody hears. */
export function unknownSession(what: string, path: string): HttpRejection {
	const message = `${what}; open a new one with GET ${path}`;
	return new HttpRejection({ status: 404, code: -32001, message });
}
