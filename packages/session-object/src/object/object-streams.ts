import { StreamError } from '@tmcp-sessions/core';
import { encodeSessionId } from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	ResumableStreams,
	SessionInbox,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core/backend';
import { InMemoryInboxes } from '@tmcp-sessions/core/internal';
import { isObject } from '@tmcp-sessions/http/internal';
import { StreamSessionManager } from '@tmcp/session-manager';
import type { JSONRPCRequest } from 'json-rpc-2.0';
import { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import {
	FINAL_CODES,
	MAX_SESSION_BYTES,
	purposeOf,
} from '@tmcp-sessions/streams-durable-object/internal';

import type { Entries } from '../storage/entries.ts';
import type { ObjectAlarm } from './object-alarm.ts';
import { PACKAGE } from '../package-name.ts';

const ALARM = 'streams';

/**
 * The streams of an object's sessions, as the object has them: their clients' connections are held by
 * Workers, each with a socket that stays while the object is out of memory. Inboxes are those of its
 * own calls, in its memory.
 */
export class ObjectStreams
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #state: DurableObjectState;
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #inboxes = new InMemoryInboxes();
	#layer: SyncLayer | undefined;

	constructor(state: DurableObjectState, entries: Entries, alarm: ObjectAlarm) {
		super();
		this.#state = state;
		this.#entries = entries;
		this.#alarm = alarm;
	}

	/** Whether a client has a stream open. */
	get areOpen(): boolean {
		return this.#state.getWebSockets().length > 0;
	}

	/**
	 * Takes a Worker's socket.
	 *
	 * @param isLive whether a session is live here: one that is not must leave nothing behind.
	 * @param begin told that a listener has come, which needs no session.
	 */
	async accept(
		request: Request,
		isLive: (session: string) => Promise<boolean>,
		begin: () => void,
	): Promise<Response> {
		const purpose = purposeOf(request.url);
		if (purpose?.role === 'listener') begin();
		const session = purpose && 'session' in purpose ? decodeURIComponent(purpose.session) : '';
		if (purpose?.role === 'listener' || (await isLive(session))) {
			// Without headers of other deployments of a SyncLayer: this one is alone.
			return this.#open().fetch(new Request(request.url, { headers: { Upgrade: 'websocket' } }));
		}
		const { 0: client, 1: server } = new WebSocketPair();
		server.accept();
		server.close(FINAL_CODES.sessionEnded);
		return new Response(null, { status: 101, webSocket: client });
	}

	/** A Worker's socket was closed. @returns the session whose stream it was, where it was one. */
	closed(socket: WebSocket): string | undefined {
		if (this.#entries.exist) this.#open().webSocketClose(socket);
		else socket.close(1000);
		const attachment: unknown = socket.deserializeAttachment();
		const session = isObject(attachment) ? attachment['session'] : undefined;
		return typeof session === 'string' ? decodeURIComponent(session) : undefined;
	}

	/** Lets go of what is too old, where it is time to. */
	async runAlarm(nowMs: number): Promise<void> {
		const atMs = this.#entries.find('meta', ALARM)?.atMs ?? Infinity;
		if (atMs > nowMs) return;
		this.#entries.remove('meta', ALARM);
		await this.#open().alarm();
	}

	/** Tells the listeners that asked for this kind of change. */
	tellListeners(notification: JSONRPCRequest): void {
		if (this.#entries.exist) this.#open().sendSubscription(notification);
	}

	/** Ends all streams for good: the object is about to be emptied. */
	end(): void {
		this.#layer = undefined;
		for (const socket of this.#state.getWebSockets()) socket.close(FINAL_CODES.sessionEnded);
	}

	/** @throws {StreamError} always: streams are opened in Workers, which hold their clients' connections. */
	override create(): never {
		throw new StreamError(
			PACKAGE,
			'opening a stream',
			'a SessionObject opens none itself; send GET requests to createSessionRouter',
		);
	}

	override delete(id: string): void {
		this.#open().delete(encoded(id));
	}

	override has(): boolean {
		return false;
	}

	override send(sessions: string[] | undefined, data: string): void {
		if (this.#entries.exist) this.#open().broadcast(sessions?.map(encoded), data);
	}

	/** Whether a Worker holds a stream of the session. */
	isOpen(id: string): boolean {
		// Where there is none, its tables are not made for a look.
		return this.areOpen && this.#entries.exist && this.#open().has(encoded(id));
	}

	async hasOpenStream(id: string): Promise<boolean> {
		return this.isOpen(id);
	}

	async keepCall(id: string, events: CallEvents): Promise<void> {
		this.keep(id, events);
	}

	/** As `keepCall`, at once. */
	keep(id: string, events: CallEvents): void {
		if (this.#entries.exist) this.#open().keepCall(encoded(id), events);
	}

	async openInbox(session: string, take: (message: string) => void): Promise<SessionInbox> {
		return this.#inboxes.open(session, take);
	}

	async deliver(session: string, message: string): Promise<number> {
		return this.#inboxes.deliver(session, message);
	}

	/** All that `SyncLayer` is, on this object's sockets and storage; its alarm is an entry here. */
	#open(): SyncLayer {
		return (this.#layer ??= new SyncLayer(
			this.#state,
			{}, // It looks at no binding.
			{
				getAlarm: async () => this.#entries.find('meta', ALARM)?.atMs ?? null,
				setAlarm: async (atMs) => {
					this.#entries.write('meta', ALARM, '', Number(atMs));
					this.#alarm.update();
				},
			},
		));
	}
}

function encoded(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
}
