import { BindingError } from '@tmcp-sessions/core';
import { classErrorOf, currentScope, escapeLineTerminators } from '@tmcp-sessions/core/backend';
import type {
	BindingRequirement,
	BindingUser,
	CallEvents,
	ResumableStreams,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core/backend';
import { rejectUnknownOptions, shardOfSession } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';

import { DEFAULT_BINDING, layersRequirement, syncLayerOf, syncLayerTarget } from './binding.ts';
import type { SyncLayerBinding, SyncLayers } from './binding.ts';
import { hashedClient } from './hashed-client.ts';
import { publish } from './publisher.ts';
import { encodeId, SocketStreamManager } from './socket-stream-manager.ts';
import type { SyncLayerOptions } from './sync-layer-options.ts';
import type { SyncLayer } from '../object/sync-layer.ts';
import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';
import { lengthProblem } from '../wire/limits.ts';

/** Configures the stream manager. `random` and `sleep` are for tests. */
export interface StreamSessionOptions extends SyncLayerOptions {
	/**
	 * How long a stream that resumes an unknown call stays open, in milliseconds. It then ends with a gap.
	 * Default: 120,000.
	 */
	readonly callWaitMs?: number | undefined;
	/** Returns a number from 0 to 1, to spread attempts to reconnect. Default: `Math.random`. */
	readonly random?: (() => number) | undefined;
	/** Waits for a time in milliseconds. Default: a timer. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/** The managers may share one object of options. */
export const STREAM_OPTIONS: OptionNames<StreamSessionOptions> = {
	onError: 1,
	jurisdiction: 1,
	openTimeoutMs: 1,
	callWaitMs: 1,
	random: 1,
	sleep: 1,
};

/**
 * Manages the GET streams of sessions across isolates. The streams of an isolate share sockets to the
 * `SyncLayer` of their shard. The object sends a message to the newest stream of each session, and logs it
 * for sessions whose stream is disconnected. Inboxes of in-flight requests hold sockets to it too.
 */
export class DurableObjectStreamSessionManager
	extends SocketStreamManager
	implements SessionInboxes, ResumableStreams, StreamPresence, BindingUser
{
	readonly #layers: SyncLayers;

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: StreamSessionOptions = {}) {
		rejectUnknownOptions(options, STREAM_OPTIONS, PACKAGE, 'DurableObjectStreamSessionManager');
		const layers = { binding, jurisdiction: options.jurisdiction };
		super((session) => syncLayerTarget(layers, shardOfSession(session)), {
			...options,
			sharesSockets: true,
		});
		this.#layers = layers;
	}

	requiredBindings(): readonly BindingRequirement[] {
		return [layersRequirement(this.#layers)];
	}

	/**
	 * Ends the session's streams in every isolate. If the transport calls it because the client has
	 * disconnected from one stream, it releases only that one: the client may have reconnected already.
	 * Inboxes stay open: an in-flight request may finish after its session has ended.
	 *
	 * @throws {StreamError} if the object cannot be reached.
	 */
	override async delete(id: string): Promise<void> {
		if (this.release(id)) return;
		await this.#call(encodeId(id), "ending a session's streams", (layer, session) =>
			layer.delete(session),
		);
	}

	/**
	 * Sends an SSE frame to sessions in every isolate. Never rejects, since the transport does not wait:
	 * failures are reported to `onError`. A frame of more than 11,184,554 UTF-16 units is such a failure.
	 */
	override send(sessions: string[] | undefined, data: string): Promise<void> {
		if (sessions?.length === 0) return Promise.resolve();
		const frame = escapeLineTerminators(data);
		const publication = { sessions: sessions?.flatMap(encodeIfValid), frame };
		return publish(this.#layers, publication, this.report);
	}

	async hasOpenStream(id: string): Promise<boolean> {
		return this.#call(encodeId(id), 'checking for an open stream', (layer, session) =>
			layer.has(session),
		);
	}

	/** Stores events of a call. Tries for 30 seconds: the client could not get a response that was lost. */
	async keepCall(id: string, events: CallEvents): Promise<void> {
		const session = encodeId(id);
		const operation = 'storing events of a call';
		const client = await hashedClient(currentScope());
		const keep = (): Promise<void> =>
			this.#call(session, operation, (layer) => layer.keepCall(session, events, client));
		const lost = await keep().then(
			() => undefined,
			(error: unknown) => {
				if (error instanceof BindingError) throw error;
				return createStreamError(operation, error);
			},
		);
		const failure = lost && (await this.newBackoff().retry(lost, () => true, keep));
		if (failure !== undefined) throw createStreamError(operation, failure);
	}

	/**
	 * Delivers a message to the session's inboxes, or to those of one call, for one RPC.
	 *
	 * @returns the number of inboxes that it was sent to, including any that closed just before. With
	 * `call`, 0 only if the call is lost, which takes 20 seconds to find out.
	 * @throws {InvalidSessionIdError} if the id is not a string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} if the object cannot be reached, or the message has more than 11,184,810
	 * UTF-16 units, which may be 32 MiB of UTF-8.
	 */
	async deliver(id: string, message: string, call?: string): Promise<number> {
		const operation = 'delivering to inboxes';
		const problem = lengthProblem(message.length);
		if (problem) throw createStreamError(operation, problem);
		return this.#call(encodeId(id), operation, (layer, session) =>
			layer.deliver(session, message, call),
		);
	}

	/** @param session the id, URI encoded. */
	async #call<Result>(
		session: string,
		operation: string,
		rpc: (layer: DurableObjectStub<SyncLayer>, session: string) => Promise<Result>,
	): Promise<Result> {
		try {
			return await rpc(syncLayerOf(this.#layers, session), session);
		} catch (cause) {
			throw (
				classErrorOf(layersRequirement(this.#layers), cause) ?? createStreamError(operation, cause)
			);
		}
	}
}

/** Encodes an id. Returns an empty array for an invalid id, which cannot have a stream. */
function encodeIfValid(id: string): string[] {
	try {
		return [encodeId(id)];
	} catch {
		return [];
	}
}
