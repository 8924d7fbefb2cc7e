import { StreamError } from '@tmcp-sessions/core';
import { encodeSessionId, escapeLineTerminators } from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	ResumableStreams,
	SessionInbox,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core/backend';
import { InMemoryInboxes } from '@tmcp-sessions/core/internal';
import { StreamSessionManager } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';
import {
	FINAL_CLOSE_CODES,
	MAX_SESSION_ID_BYTES,
	parsePurpose,
	StreamHub,
} from '@tmcp-sessions/streams-durable-object/internal';
import type { ChangeInterests } from '@tmcp-sessions/streams-durable-object/internal';

import type { Entries } from '../storage/entries.ts';
import type { ObjectAlarm } from '../storage/object-alarm.ts';
import { PACKAGE } from '../package-name.ts';

const ALARM_KEY = 'streams';

/**
 * Manages the streams of an object's sessions. Workers hold the connections of the clients, each with
 * a hibernatable WebSocket to the object. The inboxes are in memory: they belong to calls in this object.
 */
export class ObjectStreams
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #state: DurableObjectState;
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #inboxes = new InMemoryInboxes();
	/** The object stores that a session has ended in the turns after its streams have. */
	readonly #ended = new Set<string>();
	#hub: StreamHub | undefined;

	constructor(state: DurableObjectState, entries: Entries, alarm: ObjectAlarm) {
		super();
		this.#state = state;
		this.#entries = entries;
		this.#alarm = alarm;
		// A change that a tool raises in a transaction is rolled back with it: the hub's tables and alarm too.
		entries.onRollback(() => (this.#hub = undefined));
	}

	/** Whether a client has an open stream. */
	get areOpen(): boolean {
		return this.#state.getWebSockets().length > 0;
	}

	/**
	 * Accepts the WebSocket of a Worker.
	 *
	 * @param isLive whether a session is live. A socket for any other session is closed and stores nothing.
	 * Synchronous, since the session may end in any later turn.
	 * @param onSubscription called for a stateless subscription, which needs no session.
	 */
	accept(
		request: Request,
		isLive: (session: string) => boolean,
		onSubscription: () => void,
	): Response {
		const purpose = parsePurpose(request.url);
		if (purpose?.role === 'unsupported') return new Response(purpose.problem, { status: 503 });
		if (purpose?.role === 'subscription') onSubscription();
		if (
			purpose &&
			(purpose.role === 'subscription' || isLive(decodeURIComponent(purpose.session)))
		) {
			return this.#open().accept(purpose);
		}
		const { 0: client, 1: server } = new WebSocketPair();
		server.accept();
		server.close(FINAL_CLOSE_CODES.sessionEnded);
		return new Response(null, { status: 101, webSocket: client });
	}

	/** Handles a closed WebSocket. @returns the session if it was a stream. */
	handleClose(socket: WebSocket): string | undefined {
		if (!this.#entries.hasData) {
			socket.close(1000);
			return undefined;
		}
		const session = this.#open().handleClose(socket);
		return session === undefined ? undefined : decodeURIComponent(session);
	}

	/** Prunes the streams if that is due. */
	async runAlarm(nowMs: number): Promise<void> {
		const dueMs = this.#entries.find('meta', ALARM_KEY)?.dueMs ?? Infinity;
		if (dueMs > nowMs) return;
		this.#entries.remove('meta', ALARM_KEY);
		this.#open().prune();
	}

	/** Sends a notification to the stateless subscriptions that requested it. */
	sendToSubscriptions(notification: JSONRPCRequest): void {
		if (this.#entries.hasData) this.#complete(this.#open().sendSubscription(notification));
	}

	/** Returns whether the session, or any session, has a stream that is open or can be resumed. */
	canReceive(session?: string): boolean {
		if (!this.#entries.hasData) return false;
		return this.#open().hasHistory(session === undefined ? undefined : encoded(session));
	}

	/** Returns what each open stateless subscription selects. */
	subscriptionInterests(): ChangeInterests[] {
		return this.areOpen && this.#entries.hasData ? this.#open().subscriptionInterests() : [];
	}

	/** Closes all streams for good, before the object is deleted. */
	end(): void {
		this.#hub = undefined;
		for (const socket of this.#state.getWebSockets()) socket.close(FINAL_CLOSE_CODES.sessionEnded);
	}

	/** @throws {StreamError} always: Workers hold the connections of the clients and open their streams. */
	override create(): never {
		throw new StreamError(
			PACKAGE,
			'opening a stream',
			'a SessionObject cannot hold a client’s connection; send GET requests to createSessionRouter',
		);
	}

	override delete(id: string): void {
		this.#open().delete(encoded(id));
	}

	override has(): boolean {
		return false;
	}

	override send(sessions: string[] | undefined, data: string): void {
		if (!this.#entries.hasData) return;
		const frame = escapeLineTerminators(data);
		this.#complete(this.#open().broadcast(sessions?.map(encoded), frame));
	}

	/** Returns whether a Worker holds a stream of the session open. */
	isOpen(id: string): boolean {
		// Checks for sockets first: creating the hub creates its tables.
		return this.areOpen && this.#entries.hasData && this.#open().has(encoded(id));
	}

	async hasOpenStream(id: string): Promise<boolean> {
		return this.isOpen(id);
	}

	async keepCall(id: string, events: CallEvents): Promise<void> {
		this.keep(id, events);
	}

	/** Does the same as `keepCall`, synchronously. */
	keep(id: string, events: CallEvents): void {
		if (this.#entries.hasData) this.#open().keepCall(encoded(id), events);
	}

	async openInbox(
		session: string,
		receive: (message: string) => void,
		call?: string,
	): Promise<SessionInbox> {
		return this.#inboxes.open(session, receive, call);
	}

	async deliver(session: string, message: string, call?: string): Promise<number> {
		const received = this.#inboxes.deliver(session, message, call);
		if (received > 0 || call === undefined || !this.#entries.hasData) return received;
		return this.#open().isComplete(encoded(session), call) ? 1 : 0;
	}

	/** Keeps the object in memory until a message has reached all of many streams. */
	#complete(sending: Promise<void> | undefined): void {
		if (sending) this.#state.waitUntil(sending);
	}

	/** Creates the hub on first use. Its alarm is an entry, since the object's alarm is shared. */
	#open(): StreamHub {
		return (this.#hub ??= new StreamHub(this.#state, {
			ended: {
				add: (session) => !this.#ended.add(session),
				has: (session) => this.#ended.has(session),
				prune: () => false,
			},
			scheduleAlarm: async (dueMs) => {
				if (this.#entries.find('meta', ALARM_KEY)) return;
				this.#entries.write('meta', ALARM_KEY, '', dueMs);
				this.#alarm.update();
			},
		}));
	}
}

function encoded(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_SESSION_ID_BYTES);
}
