import type { CallEvents } from '@tmcp-sessions/core/backend';
import { DEFAULT_LOG_BOUNDS } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';
import { DurableObject } from 'cloudflare:workers';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { StreamHub } from './stream-hub.ts';
import type { Publication } from '../wire/publication.ts';

/**
 * The Durable Object that connects a deployment's streams and subscriptions across isolates: one of
 * its shards.
 */
export class SyncLayer extends DurableObject {
	/** The bounds of the message log, and of the call log. A subclass may set others. */
	static readonly logBounds: LogBounds = DEFAULT_LOG_BOUNDS;

	readonly #hub: StreamHub;

	/** @throws {StreamError} if the class has no SQLite. */
	constructor(state: DurableObjectState, env: Cloudflare.Env) {
		super(state, env);
		const { storage } = state;
		this.#hub = new StreamHub(state, {
			bounds: new.target.logBounds,
			env,
			async scheduleAlarm(atMs) {
				if ((await storage.getAlarm()) === null) await storage.setAlarm(atMs);
			},
		});
	}

	/**
	 * Accepts a Worker's socket. Responds 426 without a WebSocket upgrade, 400 to an invalid purpose,
	 * 429 if the session or the principal has too many sockets, 503 if the object has or if the shard
	 * cannot be registered at the root.
	 */
	override fetch(request: Request): Promise<Response> {
		return this.#hub.fetch(request);
	}

	/**
	 * Sends the publications of one turn, in order.
	 *
	 * @returns the shards that are registered here, which is at the root.
	 */
	publish(publications: readonly Publication[]): string[] {
		return this.#hub.publish(publications);
	}

	/** Registers a shard, which is about to accept its first socket. */
	addShard(shard: string, token: string): void {
		this.#hub.addShard(shard, token);
	}

	/** Removes an empty shard, unless it has registered again under another token. */
	removeShard(shard: string, token: string): void {
		this.#hub.removeShard(shard, token);
	}

	/**
	 * Returns whether the session has an open stream.
	 *
	 * @param session the id, URI encoded, as for all methods here.
	 */
	has(session: string): boolean {
		return this.#hub.has(session);
	}

	/** Ends all streams of the session, and deletes what they could be resumed from. */
	delete(session: string): void {
		this.#hub.delete(session);
	}

	/**
	 * Sends an SSE frame once to each session, on the newest stream that takes it, and logs it for
	 * sessions whose stream is disconnected.
	 *
	 * @param sessions `undefined` is every session.
	 */
	broadcast(sessions: readonly string[] | undefined, frame: string): void {
		this.#hub.broadcast(sessions, frame);
	}

	/** Logs events of a call, and sends them to the streams that resumed the call. */
	keepCall(session: string, events: CallEvents): void {
		this.#hub.keepCall(session, events);
	}

	/** Sends a notification to the subscriptions that requested this change. */
	sendSubscription(notification: JSONRPCRequest): void {
		this.#hub.sendSubscription(notification);
	}

	/**
	 * Sends a message to every open inbox of the session.
	 *
	 * @returns the number of inboxes that it was sent to.
	 */
	deliver(session: string, message: string): number {
		return this.#hub.deliver(session, message);
	}

	override alarm(): Promise<void> {
		return this.#hub.prune();
	}

	override webSocketClose(socket: WebSocket): void {
		this.#hub.handleClose(socket);
	}

	override webSocketError(socket: WebSocket): void {
		this.#hub.handleClose(socket);
	}
}
