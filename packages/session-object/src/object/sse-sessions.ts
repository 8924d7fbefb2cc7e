import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { ExecutionContextLike, McpHandler } from '@tmcp-sessions/http';
import { DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS } from '@tmcp-sessions/http/internal';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from './object-alarm.ts';
import type { ObjectStreams } from './object-streams.ts';
import { callOf, refused, requestOf } from './session-call.ts';
import type { PlainAnswer, SessionCall } from './session-call.ts';
import type { SessionServer } from './session.ts';
import type { SessionSettings } from './session-settings.ts';

/** A Worker that lost its socket opens it again within half a minute, or never. */
const GONE_MS = 60_000;

type SseSettings = Pick<SessionSettings, 'clientResponseTimeoutSeconds' | 'onError' | 'sse'>;

/** What the sessions of the first transport depend on. */
export interface SseSessionsParts {
	readonly entries: Entries;
	readonly alarm: ObjectAlarm;
	readonly streams: ObjectStreams;
	readonly info: StoredInfoSessionManager;
	readonly context: ExecutionContextLike;
	/** Says whether the object goes with its session, before one is ended. */
	readonly enter: (keptBy: SessionCall['keptBy']) => void;
	readonly now: () => number;
	readonly report: (error: unknown) => void;
}

/**
 * The object's sessions of the transport before Streamable HTTP. Each is its stream: it begins before
 * the Worker opens that, and ends with it, or a minute after it was lost together with its Worker.
 */
export class SseSessions {
	readonly #parts: SseSessionsParts;
	/** None, where the class does not serve them. */
	readonly #handler: McpHandler | undefined;

	/** @param server the object's, which other transports serve too. */
	constructor(
		// Not the transport's own: here nothing ends what a message started after 30 s.
		{
			clientResponseTimeoutSeconds = DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS,
			onError,
			sse,
		}: SseSettings,
		server: SessionServer,
		parts: SseSessionsParts,
	) {
		const { streams, info } = parts;
		this.#parts = parts;
		this.#handler = sse?.(
			server,
			{ clientResponseTimeoutSeconds, onError, streams, info },
			{ sent: (request) => ({ ...callOf(request), sessionId: callOf(request).session }) },
		);
	}

	/** Answers what a Worker sends: that one begins, a message of one, that its stream has ended. */
	async answer(call: SessionCall): Promise<PlainAnswer> {
		const handler = this.#handler;
		const { method, session } = call;
		if (!handler) {
			this.#parts.report(
				new SessionStateError(
					'createSessionRouter serves the old SSE transport and the object does not: expected ' +
						'settings.sse = createSseHandler in the class too; found none',
				),
			);
			return refused(500, 'Internal error');
		}
		if (method === 'GET') return this.#begin(call);
		if (!this.has(session)) {
			if (method === 'DELETE') return ACCEPTED;
			return refused(404, 'The session has ended; open a new stream', -32_001);
		}
		if (method === 'DELETE') return this.#end(call, handler);
		return plainOf(await this.#sendTo(handler, call));
	}

	/** Whether this is one of them, and live. */
	has(session: string): boolean {
		return this.#parts.entries.find('sse', session) !== undefined;
	}

	/** Sends the answer of a call that was resumed, to where its session gets all answers. */
	say(session: string, frame: string): void {
		if (this.has(session)) this.#parts.streams.send([session], frame);
	}

	/** A Worker's socket was closed: it is back soon, or its client is gone. */
	streamClosed(): void {
		const { entries, alarm, now } = this.#parts;
		for (const { key, value, atMs } of entries.list('sse')) {
			if (atMs === null && !this.#isOpen(key)) entries.write('sse', key, value, now() + GONE_MS);
		}
		alarm.update();
	}

	/** Ends those whose stream did not come back. */
	async runAlarm(): Promise<void> {
		const { enter, entries, now } = this.#parts;
		const handler = this.#handler;
		for (const { key: session, value } of entries.due('sse', now())) {
			if (this.#isOpen(session)) entries.write('sse', session, value);
			else if (!handler) entries.remove('sse', session);
			else {
				// Sound: `#begin` wrote it.
				enter(value as SessionCall['keptBy']);
				await this.#end(endOf(session), handler);
			}
		}
	}

	/** Its stream is opened next, and would be refused where nothing is known of it. */
	async #begin({ session, keptBy }: SessionCall): Promise<PlainAnswer> {
		const { entries, info } = this.#parts;
		info.setClientInfo(session, undefined);
		await info.flush(session);
		entries.write('sse', session, keptBy);
		return ACCEPTED;
	}

	async #end(call: SessionCall, handler: McpHandler): Promise<PlainAnswer> {
		this.#parts.entries.remove('sse', call.session);
		return plainOf(await this.#sendTo(handler, call));
	}

	#sendTo(handler: McpHandler, call: SessionCall): Promise<Response> {
		return handler.fetch(requestOf(call), undefined, this.#parts.context);
	}

	#isOpen(session: string): boolean {
		return this.#parts.streams.isOpen(session);
	}
}

const ACCEPTED: PlainAnswer = { status: 202, headers: {}, body: '' };

/** As a Worker says it whose client has left. */
function endOf(session: string): SessionCall {
	const nobody = { principal: '', auth: null, keptBy: 'session' } as const;
	return { method: 'DELETE', headers: {}, body: '', session, ...nobody, transport: 'sse' };
}

async function plainOf(response: Response): Promise<PlainAnswer> {
	const { status, headers } = response;
	return { status, headers: Object.fromEntries(headers), body: await response.text() };
}
