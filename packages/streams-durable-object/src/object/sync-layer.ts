import { reasonOf } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { DEFAULT_LOG_BOUNDS } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';
import { DurableObject } from 'cloudflare:workers';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { ShardRegistration } from './shard-registration.ts';
import { ShardRegistry } from './shard-registry.ts';
import { StreamHub } from './stream-hub.ts';
import { createStreamError } from '../stream-error.ts';
import { SHARD_HEADER } from '../wire/headers.ts';
import type { Publication } from '../wire/publication.ts';
import { parsePurpose } from '../wire/socket-purpose.ts';
import { versionProblem } from '../wire/version.ts';

/**
 * The Durable Object that connects a deployment's streams and subscriptions across isolates. Each
 * object is a shard. The root is the shard that lists the others.
 */
export class SyncLayer extends DurableObject {
	/** The bounds of the message log, and of the call log. A subclass may set others. */
	static readonly logBounds: LogBounds = DEFAULT_LOG_BOUNDS;

	readonly #hub: StreamHub;
	readonly #registration: ShardRegistration;
	readonly #shards: ShardRegistry;

	/** @throws the platform's error if the class has no SQLite. */
	constructor(state: DurableObjectState, env: Cloudflare.Env) {
		super(state, env);
		const { storage } = state;
		this.#hub = new StreamHub(state, {
			bounds: new.target.logBounds,
			getShard: () => this.#registration.shard,
			async scheduleAlarm(dueMs) {
				if ((await storage.getAlarm()) === null) await storage.setAlarm(dueMs);
			},
		});
		// After the hub, which creates their tables.
		this.#registration = new ShardRegistration(state, env);
		this.#shards = new ShardRegistry(storage.sql);
		// A reset can lose all sockets without a close event: the alarm then unregisters the shard.
		if (this.#registration.isListed && state.getWebSockets().length === 0) {
			this.#hub.schedulePrune();
		}
	}

	/**
	 * Accepts the socket of a Worker's upgrade request. Responds 426 without an upgrade, 400 to an
	 * invalid purpose, 429 if the session or the client has too many sockets, 503 if the object has, if
	 * the shard cannot be registered at the root, or if a later release sends the request.
	 */
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
			const upgrade = { status: 426, headers: { Upgrade: 'websocket' } };
			return new Response('Expected a WebSocket upgrade', upgrade);
		}
		const purpose = parsePurpose(request.url);
		if (!purpose) return new Response('Expected a session or a subscription', { status: 400 });
		if (purpose.role === 'unsupported') return new Response(purpose.problem, { status: 503 });

		if (purpose.role !== 'inbox') {
			try {
				await this.#registration.ensure(request.headers.get(SHARD_HEADER));
			} catch (cause) {
				this.#hub.schedulePrune();
				return new Response(`the shard was not registered: ${reasonOf(cause)}`, { status: 503 });
			}
		}
		return this.#hub.accept(purpose);
	}

	/**
	 * Sends the publications of one turn, in order.
	 *
	 * @param version as for all methods here: that of the wire format, which a later release may name.
	 * @returns the shards that are registered here: all other shards if this is the root.
	 * @throws {StreamError} if this release does not support the version. Nothing is changed then.
	 */
	publish(publications: readonly Publication[], version?: number): string[] {
		checkVersion(version);
		for (const publication of publications) {
			if ('notification' in publication) this.sendSubscription(publication.notification);
			else this.broadcast(publication.sessions, publication.frame);
		}
		return this.#shards.labels();
	}

	/** Registers a shard, which is about to accept its first socket. */
	addShard(shard: string, token: string): void {
		this.#shards.add(shard, token);
	}

	/** Removes an empty shard, unless it has registered again under another token. */
	removeShard(shard: string, token: string): void {
		this.#shards.remove(shard, token);
	}

	/**
	 * Returns whether the session has an open stream.
	 *
	 * @param session the id, URI encoded, as for all methods here.
	 */
	has(session: string): boolean {
		return this.#hub.has(session);
	}

	/** Ends all streams of the session, and deletes the logs that they could be resumed from. */
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

	/**
	 * Logs events of a call, and sends them to the streams that resumed the call.
	 *
	 * @param client a hash of the client, whose calls share the log with those of others.
	 */
	keepCall(session: string, events: CallEvents, client?: string, version?: number): void {
		checkVersion(version);
		this.#hub.keepCall(session, events, client);
	}

	/** Sends a notification to the subscriptions that requested this change. */
	sendSubscription(notification: JSONRPCRequest): void {
		this.#hub.sendSubscription(notification);
	}

	/**
	 * Sends a message to every open inbox of the session, or of one call.
	 *
	 * @returns the number of inboxes that it was sent to. With `call`, 0 only if the call is lost.
	 */
	deliver(session: string, message: string, call?: string): number {
		return this.#hub.deliver(session, message, call);
	}

	/** Prunes the logs, and unregisters the shard if it is empty. */
	override async alarm(): Promise<void> {
		const isEmpty = this.#hub.prune();
		if (isEmpty && !(await this.#registration.leave())) this.#hub.schedulePrune();
	}

	override webSocketClose(socket: WebSocket): void {
		this.#hub.handleClose(socket);
		// The shard may be empty now.
		if (this.#registration.isListed) this.#hub.schedulePrune();
	}

	override webSocketError(socket: WebSocket): void {
		this.webSocketClose(socket);
	}
}

/** @throws {StreamError} if a later release of the Worker sends a version that is not supported. */
function checkVersion(version: number | undefined): void {
	const problem = versionProblem(version);
	if (problem) throw createStreamError('reading a message of a Worker', problem);
}
