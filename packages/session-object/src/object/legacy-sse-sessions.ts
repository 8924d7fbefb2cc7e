import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { ExecutionContextLike } from '@tmcp-sessions/http';
import { DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS } from '@tmcp-sessions/http/internal';
import type { Answer, PlainAnswer, RunCall } from '@tmcp-sessions/http/internal';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from '../storage/object-alarm.ts';
import type { ObjectStreams } from './object-streams.ts';
import { rejection } from './session-request.ts';
import type { ObjectPer, SessionRequest } from './session-request.ts';
import type { SessionServer } from './session.ts';
import type { SessionSettings } from './session-settings.ts';

/** A Worker replaces a lost socket within 30 s, or never. */
const RECONNECT_TIMEOUT_MS = 60_000;

type LegacySseSettings = Pick<
	SessionSettings,
	'authorizeSubscription' | 'clientResponseTimeoutSeconds' | 'onError' | 'sse'
>;

export interface LegacySseDependencies {
	readonly entries: Entries;
	readonly alarm: ObjectAlarm;
	readonly streams: ObjectStreams;
	readonly info: StoredInfoSessionManager;
	readonly context: ExecutionContextLike;
	/** Called before a session is ended, with the stored value of `SessionRequest.objectPer`. */
	readonly onEnding: (objectPer: ObjectPer) => void;
	readonly now: () => number;
	readonly report: (error: unknown) => void;
}

/**
 * Handles the object's sessions of the legacy SSE transport, in which a session is its stream. A session
 * begins before the Worker opens the stream. It ends with the stream, or a minute after the stream and
 * its Worker were lost.
 */
export class LegacySseSessions {
	readonly #dependencies: LegacySseDependencies;
	/** Undefined if the class does not serve the transport. */
	readonly #handle: RunCall | undefined;

	/** @param server the object's server, which the other transport shares. */
	constructor(
		{
			authorizeSubscription,
			// Not the default of the transport: here nothing terminates a message's work after 30 s.
			clientResponseTimeoutSeconds = DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS,
			onError,
			sse,
		}: LegacySseSettings,
		server: SessionServer,
		dependencies: LegacySseDependencies,
	) {
		const { streams, info } = dependencies;
		this.#dependencies = dependencies;
		this.#handle = sse?.createCallRunner(server, {
			authorizeSubscription,
			clientResponseTimeoutSeconds,
			onError,
			streams,
			info,
		});
	}

	/** Handles a request of a Worker: GET begins a stream, POST sends a message, DELETE ends a stream. */
	async answer(request: SessionRequest): Promise<Answer> {
		const handle = this.#handle;
		const { method, sessionId } = request;
		if (!handle) {
			this.#dependencies.report(
				new SessionStateError(
					'createSessionRouter serves the legacy SSE transport and the SessionObject does not: set ' +
						'settings.sse to createLegacySse() in the class too',
				),
			);
			return rejection(500, 'Internal error');
		}
		if (method === 'GET') return this.#begin(request);
		if (!this.has(sessionId)) {
			if (method === 'DELETE') return ACCEPTED;
			return rejection(404, 'The session has ended; open a new stream', {
				code: -32_001,
				body: request.body,
			});
		}
		if (method === 'DELETE') return this.#end(request, handle);
		return handle(request, this.#dependencies.context);
	}

	/** Returns whether the session is live and uses this transport. */
	has(session: string): boolean {
		return this.#dependencies.entries.find('sse', session) !== undefined;
	}

	/** Sends the response of a resumed call on the session's stream. */
	send(session: string, frame: string): void {
		if (this.has(session)) this.#dependencies.streams.send([session], frame);
	}

	/** Starts the timeout of the sessions whose socket was closed: the Worker reconnects, or its client has disconnected. */
	handleClose(): void {
		const { entries, alarm, now } = this.#dependencies;
		for (const { key, value, dueMs } of entries.list('sse')) {
			if (dueMs === null && !this.#isOpen(key)) {
				entries.write('sse', key, value, now() + RECONNECT_TIMEOUT_MS);
			}
		}
		alarm.update();
	}

	/** Ends the sessions whose stream was not reopened. */
	async runAlarm(): Promise<void> {
		const { onEnding, entries, now } = this.#dependencies;
		const handle = this.#handle;
		for (const { key: session, value } of entries.due('sse', now())) {
			if (this.#isOpen(session)) entries.write('sse', session, value);
			else if (!handle) entries.remove('sse', session);
			else {
				// Safe because `#begin` wrote it.
				onEnding(value as ObjectPer);
				await this.#end(deleteRequest(session), handle);
			}
		}
	}

	/** Stores the session before its stream is opened, which is rejected for an unknown session. */
	async #begin({ sessionId: session, objectPer }: SessionRequest): Promise<PlainAnswer> {
		const { entries, info } = this.#dependencies;
		info.setClientInfo(session, undefined);
		await info.flush(session);
		entries.write('sse', session, objectPer);
		return ACCEPTED;
	}

	#end(request: SessionRequest, handle: RunCall): Promise<Answer> {
		this.#dependencies.entries.remove('sse', request.sessionId);
		return handle(request, this.#dependencies.context);
	}

	#isOpen(session: string): boolean {
		return this.#dependencies.streams.isOpen(session);
	}
}

const ACCEPTED: PlainAnswer = { status: 202, headers: {}, body: '' };

/** Returns the request that a Worker sends when its client has disconnected. */
function deleteRequest(sessionId: string): SessionRequest {
	return {
		method: 'DELETE',
		headers: {},
		body: '',
		sessionId,
		principal: '',
		auth: null,
		objectPer: 'session',
		transport: 'sse',
	};
}
