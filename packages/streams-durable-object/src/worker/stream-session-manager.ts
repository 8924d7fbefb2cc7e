import { StreamError } from '@tmcp-sessions/core';
import { keepRequestAlive } from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	ResumableStreams,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core/backend';
import { shardOfSession } from '@tmcp-sessions/core/internal';
import { waitUntil } from 'cloudflare:workers';

import { DEFAULT_BINDING, syncLayer, syncLayerOf } from './binding.ts';
import type { SyncLayerBinding, SyncLayers } from './binding.ts';
import { publisherOf } from './publisher.ts';
import { encodeId, SocketStreamManager } from './socket-stream-manager.ts';
import type { SyncLayerOptions } from './sync-layer-options.ts';
import { PACKAGE } from '../package-name.ts';
import { lengthProblem, MAX_MESSAGE_LENGTH } from '../wire/limits.ts';

/** Leaves room for the id that a frame is sent with. */
const MAX_FRAME_LENGTH = MAX_MESSAGE_LENGTH - 256;

/** Options of the stream manager; `random` and `sleep` are for tests. */
export interface StreamSessionOptions extends SyncLayerOptions {
	/**
	 * How long a stream that resumes an unknown call stays open, in milliseconds; it then ends with a gap.
	 * Default: 120,000.
	 */
	readonly callWaitMs?: number | undefined;
	/** Returns a number from 0 to 1, to spread attempts to reconnect. Default: `Math.random`. */
	readonly random?: (() => number) | undefined;
	/** Waits for a time in milliseconds. Default: a timer. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * Manages the GET streams of sessions across isolates. Each stream holds one socket to the `SyncLayer`
 * of its session's shard. The object sends a message to the newest stream of each session, and logs it
 * for sessions whose stream is disconnected. Inboxes of in-flight requests hold sockets to it too.
 */
export class DurableObjectStreamSessionManager
	extends SocketStreamManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #layers: SyncLayers;

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: StreamSessionOptions = {}) {
		const layers = { binding, jurisdiction: options.jurisdiction };
		super((session) => {
			const shard = shardOfSession(session);
			return { stub: syncLayer(layers, shard), shard };
		}, options);
		this.#layers = layers;
	}

	/**
	 * Ends the session's streams in every isolate. If the transport calls it because the client has
	 * disconnected from one stream, it releases only that one: the client may have reconnected already.
	 * Inboxes stay open: an in-flight request may finish after its session has ended.
	 *
	 * @throws {StreamError} if the object cannot be reached.
	 */
	override async delete(id: string): Promise<void> {
		const session = encodeId(id);
		if (this.release(session)) return;
		try {
			await syncLayerOf(this.#layers, session).delete(session);
		} catch (cause) {
			throw new StreamError(PACKAGE, "ending a session's streams", cause);
		}
	}

	/**
	 * Sends an SSE frame to sessions in every isolate. Never rejects, since the transport does not wait:
	 * failures are reported to `onError`. A frame of more than 11,184,554 UTF-16 units is such a failure.
	 */
	override send(sessions: string[] | undefined, data: string): Promise<void> {
		if (sessions?.length === 0) return Promise.resolve();
		const sending = this.#broadcast(sessions, data);
		keepRequestAlive(sending, waitUntil);
		return sending;
	}

	async hasOpenStream(id: string): Promise<boolean> {
		const session = encodeId(id);
		try {
			return await syncLayerOf(this.#layers, session).has(session);
		} catch (cause) {
			throw new StreamError(PACKAGE, 'looking for an open stream', cause);
		}
	}

	async keepCall(id: string, events: CallEvents): Promise<void> {
		const session = encodeId(id);
		try {
			await syncLayerOf(this.#layers, session).keepCall(session, events);
		} catch (cause) {
			throw new StreamError(PACKAGE, 'storing events of a call', cause);
		}
	}

	/**
	 * Delivers a message to the session's inboxes, for one RPC.
	 *
	 * @returns the number of inboxes that it was sent to, including any that closed just before.
	 * @throws {InvalidSessionIdError} if the id is not a string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} if the object cannot be reached, or the message has more than 11,184,810
	 * UTF-16 units, which may be 32 MiB of UTF-8.
	 */
	async deliver(id: string, message: string): Promise<number> {
		const session = encodeId(id);
		const operation = 'delivering to inboxes';
		const problem = lengthProblem(message.length);
		if (problem) throw new StreamError(PACKAGE, operation, problem);
		try {
			return await syncLayerOf(this.#layers, session).deliver(session, message);
		} catch (cause) {
			throw new StreamError(PACKAGE, operation, cause);
		}
	}

	async #broadcast(sessions: string[] | undefined, data: string): Promise<void> {
		const operation = 'sending to streams';
		const problem = lengthProblem(data.length, MAX_FRAME_LENGTH);
		if (problem) return this.report(new StreamError(PACKAGE, operation, problem));
		const onFailure = (cause: unknown): void =>
			this.report(new StreamError(PACKAGE, operation, cause));
		try {
			const publication = { sessions: sessions?.flatMap(encodeIfValid), frame: data };
			await publisherOf(this.#layers).publish(publication, onFailure);
		} catch (cause) {
			onFailure(cause);
		}
	}
}

/** Encodes an id. Returns nothing for an invalid one, which cannot have a stream. */
function encodeIfValid(id: string): string[] {
	try {
		return [encodeId(id)];
	} catch {
		return [];
	}
}
