import { TmcpSessionsError } from '@tmcp-sessions/core';
import { sleep } from '@tmcp-sessions/core/backend';
import { hasStreamPresence } from '@tmcp-sessions/core/internal';
import { HttpRejection } from '../request/http-rejection.ts';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';

/** Delays before each retry for a stream that has just lost its connection to the backend: 3 s in all. */
const RETRY_AFTER_MS = [100, 200, 400, 800, 1_500];

/** Checks that a session has an open stream, which the response to a message needs. */
export class LiveSessions {
	readonly #streams: StreamSessionManager;
	readonly #info: InfoSessionManager;
	readonly #path: string;

	/** @param path where clients open a new stream, which rejections name. */
	constructor(streams: StreamSessionManager, info: InfoSessionManager, path: string) {
		this.#streams = streams;
		this.#info = info;
		this.#path = path;
	}

	/**
	 * Looks up what a message needs before it is accepted: the session's stream and its metadata.
	 *
	 * @param isNew whether the message is `initialize`. It has no metadata, and Workers KV caches a read
	 * of a missing key for a minute.
	 * @throws {HttpRejection} 404 if the stream has ended.
	 * @throws {StoreError} or a {@link StreamError} if a backend is down.
	 */
	async require(id: string, isNew: boolean): Promise<void> {
		// The transport's three reads share this one: none of them fails after it.
		const [hasStream] = await Promise.all([this.#waitForStream(id), isNew || this.#readInfo(id)]);
		if (!hasStream) throw unknownSseSession('The stream of the session has ended', this.#path);
	}

	/** A deployment closes all sockets of the backend, which are opened again within a moment. */
	async #waitForStream(id: string): Promise<boolean> {
		for (const ms of RETRY_AFTER_MS) {
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

	/** Throws if the store is down: the transport would take that for a client without metadata. */
	async #readInfo(id: string): Promise<void> {
		try {
			await this.#info.getClientCapabilities(id);
		} catch (error) {
			if (error instanceof TmcpSessionsError && error.code === 'store') throw error;
		}
	}
}

/** Creates the rejection of a message whose session is unknown or has no stream. */
export function unknownSseSession(reason: string, path: string): HttpRejection {
	return new HttpRejection(404, -32001, `${reason}; open a new one with GET ${path}`);
}
