import { reportToConsole } from '@tmcp-sessions/core';
import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { DEFAULT_LOG_BOUNDS, namespaceOfObject } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';
import { DurableObject } from 'cloudflare:workers';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { ChangeOutbox } from './change-outbox.ts';
import { ChangeReceivers } from './change-receivers.ts';
import { ShardRegistration } from './shard-registration.ts';
import { ShardRegistry } from './shard-registry.ts';
import { StreamHub } from './stream-hub.ts';
import { createStreamError } from '../stream-error.ts';
import type { ChangeReceiver, ChangeReceiverRpc } from '../wire/change-interests.ts';
import { SHARD_HEADER } from '../wire/headers.ts';
import type { Publication } from '../wire/publication.ts';
import { parsePurpose } from '../wire/socket-purpose.ts';
import { versionProblem } from '../wire/version.ts';

/** How long an object may take to receive changes. */
const DELIVERY_TIMEOUT_MS = 10_000;

type ReceiverNamespace = DurableObjectNamespace<Rpc.DurableObjectBranded & ChangeReceiverRpc>;

/**
 * The Durable Object that connects a deployment's streams and subscriptions across isolates. Each
 * object is a shard. The root is the shard that lists the others.
 */
export class SyncLayer extends DurableObject {
	/** The bounds of the message log, and of the call log. A subclass may set others. */
	static readonly logBounds: LogBounds = DEFAULT_LOG_BOUNDS;

	/** The most session objects that a shard registers while another one can take them. */
	static readonly maxReceivers: number = 500;

	readonly #hub: StreamHub;
	readonly #receivers: ChangeReceivers;
	readonly #changes: ChangeOutbox;
	readonly #maxReceivers: number;
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
		this.#maxReceivers = new.target.maxReceivers;
		this.#receivers = new ChangeReceivers(storage.sql);
		this.#changes = this.#createOutbox(new.target.logBounds.ageMs);
		// A reset can lose all sockets without a close event: the alarm then unregisters the shard.
		const hasSockets = state.getWebSockets().length > 0;
		if (this.#registration.isListed && !hasSockets && this.#receivers.size === 0) {
			this.#hub.schedulePrune();
		}
	}

	/**
	 * Accepts the socket of a Worker's upgrade request, or a stream that shares the socket of another one.
	 * Responds 426 to any other request, 400 to an invalid purpose, and 503 if the shard cannot be registered
	 * at the root or if a later release sends the request; otherwise as `accept` and `join` of the hub.
	 */
	override async fetch(request: Request): Promise<Response> {
		const isUpgrade = request.headers.get('Upgrade')?.toLowerCase() === 'websocket';
		const purpose = parsePurpose(request.url);
		const isJoin = purpose?.role === 'stream' && purpose.via !== undefined;
		if (!isUpgrade && !isJoin) {
			const upgrade = { status: 426, headers: { Upgrade: 'websocket' } };
			return new Response('Expected a WebSocket upgrade', upgrade);
		}
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
		return isJoin && !isUpgrade ? this.#hub.join(purpose) : this.#hub.accept(purpose);
	}

	/**
	 * Sends the publications of one turn, in order.
	 *
	 * @param version as for all methods here: that of the wire format, which a later release may name.
	 * @returns the shards that are registered here: all other shards if this is the root.
	 * @throws {StreamError} if this release does not support the version. Nothing is changed then.
	 */
	async publish(publications: readonly Publication[], version?: number): Promise<string[]> {
		checkVersion(version);
		const sending = publications.flatMap((publication) => {
			if ('frame' in publication)
				return this.#hub.broadcast(publication.sessions, publication.frame) ?? [];
			if (publication.isForReceivers) this.#changes.publish(publication.notification);
			return this.#hub.sendSubscription(publication.notification) ?? [];
		});
		await Promise.all(sending);
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
	 * Registers an object that receives published changes, or replaces its registration.
	 *
	 * @param shard the label of this shard; null for the root.
	 * @param isForced registers it even if this shard is full.
	 * @returns false if this shard is full.
	 * @throws if no binding leads to the object, or the shard cannot be registered at the root.
	 */
	async addReceiver(
		receiver: ChangeReceiver,
		shard: string | null,
		isForced: boolean = false,
	): Promise<boolean> {
		const { object } = receiver;
		const isFull = (): boolean =>
			!isForced && !this.#receivers.get(object) && this.#receivers.size >= this.#maxReceivers;
		if (isFull()) return false;
		this.#namespaceOf(object);
		await this.#registration.ensure(shard);
		if (isFull()) return false;
		const known = this.#receivers.get(object);
		const isKnown = known?.token === receiver.token;
		this.#receivers.set({ ...receiver, since: isKnown ? known.since : this.#changes.newest });
		return true;
	}

	/** Removes an object from the receivers, unless it has registered again under another token. */
	removeReceiver(object: string, token: string): void {
		this.#receivers.remove(object, token);
		this.#unregisterIfEmpty();
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
	async broadcast(sessions: readonly string[] | undefined, frame: string): Promise<void> {
		await this.#hub.broadcast(sessions, frame);
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
	async sendSubscription(notification: JSONRPCRequest): Promise<void> {
		await this.#hub.sendSubscription(notification);
	}

	/**
	 * Sends a message to every open inbox of the session, or of one call.
	 *
	 * @returns the number of inboxes that it was sent to. With `call`, 0 only if the call is lost.
	 */
	deliver(session: string, message: string, call?: string): number {
		return this.#hub.deliver(session, message, call);
	}

	/** Prunes the logs, continues deliveries, and unregisters the shard if it is empty. */
	override async alarm(): Promise<void> {
		const isClean = this.#hub.prune();
		this.#changes.handleAlarm();
		const isEmpty = isClean && this.#receivers.size === 0;
		if (isEmpty && !(await this.#registration.leave())) this.#hub.schedulePrune();
	}

	override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
		this.#hub.handleMessage(socket, message);
	}

	override webSocketClose(socket: WebSocket): void {
		this.#hub.handleClose(socket);
		// The shard may be empty now.
		if (this.#registration.isListed) this.#hub.schedulePrune();
	}

	override webSocketError(socket: WebSocket): void {
		this.webSocketClose(socket);
	}

	#createOutbox(maxAgeMs: number): ChangeOutbox {
		const { sql } = this.ctx.storage;
		return new ChangeOutbox(sql, this.#receivers, {
			maxAgeMs,
			deliver: async ({ object, token }, changes) => {
				const namespace = this.#namespaceOf(object);
				const stub = namespace.get(namespace.idFromString(object));
				const delivering = stub.receiveChanges(token, changes);
				return withTimeout(
					DELIVERY_TIMEOUT_MS,
					delivering,
					() => new Error('the object did not respond in time'),
				);
			},
			setAlarm: (dueMs) => this.ctx.waitUntil(this.ctx.storage.setAlarm(dueMs)),
			report: (cause) => reportToConsole(createStreamError('delivering changes', cause)),
			onRemoved: () => this.#unregisterIfEmpty(),
		});
	}

	/** Finds the namespace of a receiver, which needs no name: no other accepts its id. */
	#namespaceOf(object: string): ReceiverNamespace {
		const { exports } = this.ctx;
		const namespace = namespaceOfObject<ReceiverNamespace>(object, exports, this.env);
		if (namespace) return namespace;
		throw new Error(
			'SyncLayer cannot find the namespace of a session object: bind the class of the object in the ' +
				'Worker that exports SyncLayer',
		);
	}

	#unregisterIfEmpty(): void {
		if (this.#registration.isListed && this.#receivers.size === 0) this.#hub.schedulePrune();
	}
}

/** @throws {StreamError} if a later release of the Worker sends a version that is not supported. */
function checkVersion(version: number | undefined): void {
	const problem = versionProblem(version);
	if (problem) throw createStreamError('reading a message of a Worker', problem);
}
