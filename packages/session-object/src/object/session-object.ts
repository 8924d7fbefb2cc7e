import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createReporter, reasonOf } from '@tmcp-sessions/core/backend';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { DurableObject } from 'cloudflare:workers';

import { honoredSubset } from './honored-subset.ts';
import type { HonoredSubset } from './honored-subset.ts';
import type { InterruptedCall, ToolResult } from '../features/call-journal.ts';
import { trackedCalls } from './tracked-calls.ts';
import { DEFAULT_ABSOLUTE_SECONDS, DEFAULT_IDLE_SECONDS } from './lifetime.ts';
import { ObjectStreams } from './object-streams.ts';
import { ObjectSubscriptions } from './object-subscriptions.ts';
import type { Session, SessionServer } from './session.ts';
import {
	AnswerInHand,
	callOf,
	NEW_SESSION,
	packed,
	refused,
	requestOf,
	unpacked,
} from './session-call.ts';
import type { SessionCall } from './session-call.ts';
import type { AuthTokens } from '../features/session-auth.ts';
import type { ContextValues } from '../features/session-context.ts';
import type { RestoreOutcome, SessionObjectMethods } from './session-object-methods.ts';
import type { SessionSettings } from './session-settings.ts';
import { SessionState } from './session-state.ts';
import { SseSessions } from './sse-sessions.ts';
import { announceToolChange, hasKnownTools } from './tool-list.ts';

const ALARM_RETRY_MS = 5 * 60_000;

/** What an instance runs on; made at its first event, when the fields of a subclass are there. */
interface Running<Values extends ContextValues> {
	readonly state: SessionState<Values>;
	readonly server: SessionServer;
	readonly handler: McpHandler;
	readonly streams: ObjectStreams;
	readonly sse: SseSessions;
}

/**
 * The Durable Object of one session, or of all sessions of an identity: the server runs where its
 * state is, and nothing is remote on the way of a call. Extend it, say what `createServer` makes, and
 * put a `createSessionRouter` in front.
 */
export abstract class SessionObject<
	Env = Cloudflare.Env,
	Values extends ContextValues = Record<string, unknown>,
>
	extends DurableObject<Env>
	implements SessionObjectMethods
{
	/** How the session is kept. */
	readonly settings: SessionSettings<Values> = {};

	#running: Running<Values> | undefined;
	#hasAnnounced = false;
	#knowsTools = false;
	/** Whether the object is one session's; an identity's outlives its sessions. */
	#endsWithSession = true;

	/**
	 * The session's server, whose tools close over `session`: one of tmcp, or of the official SDK by
	 * `sdkServer` of `@tmcp-sessions/session-object/sdk`. Called once in each instance.
	 */
	abstract createServer(session: Session<Values>): SessionServer;

	/**
	 * Makes new tokens of expired ones: once, however many calls wait for them, and for a minute at most.
	 * A refresh token that it leaves out stays as it was.
	 */
	refreshAuth?(service: string, expired: AuthTokens): Promise<AuthTokens>;

	/**
	 * Goes on with a call whose instance was lost, or ends it with an error. The client gets what comes
	 * of it when it resumes the call's stream. Default: an error that says to call again.
	 */
	resumeCall?(call: InterruptedCall, session: Session<Values>): Promise<ToolResult> | ToolResult;

	/**
	 * Does what `session.schedule` was told, at least once; where it throws, takes longer than five
	 * minutes or loses its object, it is run again, later and later, eight times in all.
	 */
	onSchedule?(name: string, payload: unknown, session: Session<Values>): Promise<void> | void;

	/**
	 * Runs a call of a tool: what is done in its place, and what it answers, can be changed here, such
	 * as handing long work to a queue.
	 *
	 * @param call its message; `work` has the server answer it.
	 */
	runCall(
		_call: { tool: string; arguments: unknown },
		work: () => Promise<unknown>,
	): Promise<unknown> {
		return work();
	}

	/** The time in milliseconds since the epoch: overridden by tests. */
	now(): number {
		return Date.now();
	}

	async answer(text: string): Promise<Response | string> {
		let running: Running<Values>;
		try {
			running = await this.#run();
		} catch (error) {
			// Its client can do nothing about it; whoever deployed it can.
			createReporter(this.settings.onError)(error);
			return packed(refused(500, 'Internal error'));
		}
		const { state, handler, sse } = running;
		if (state.lifetime.current?.ended === 'expired') {
			const message = 'The session has expired and is being put away; try again later';
			return packed(refused(503, message));
		}
		state.lifetime.touch();
		const call = unpacked<SessionCall>(text);
		this.#enter(call.keptBy);
		const response: unknown =
			call.transport === 'sse'
				? new AnswerInHand(await sse.answer(call))
				: await handler.fetch(requestOf(call), this.env, this.ctx);
		this.#announceTools(running, false);
		// Sound: what is no answer in hand is a response.
		return response instanceof AnswerInHand ? packed(response.plain) : (response as Response);
	}

	/** Takes a socket of a Worker, which holds a client's stream. Requests come by `answer`. */
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
			const text =
				'A SessionObject takes requests from createSessionRouter: send them there, and not here';
			return new Response(text, { status: 426, headers: { Upgrade: 'websocket' } });
		}
		const running = await this.#run();
		const { state, streams } = running;
		state.lifetime.touch();
		const response = await streams.accept(
			request,
			(session) => this.isLive(session),
			() => state.lifetime.begin(),
		);
		this.#announceTools(running, true);
		return response;
	}

	async isLive(session: string): Promise<boolean> {
		const { state } = await this.#run();
		return state.isLive(session);
	}

	async deliver(session: string, message: string): Promise<number> {
		const { state, streams } = await this.#run();
		const taken = await streams.deliver(session, message);
		return taken + (state.calls.awaitsResume(message) ? 1 : 0);
	}

	async agreed(notifications: object): Promise<HonoredSubset> {
		const { server } = await this.#run();
		return honoredSubset(server, notifications);
	}

	override async webSocketClose(socket: WebSocket): Promise<void> {
		const { state, streams, sse } = await this.#run();
		const session = streams.closed(socket);
		if (session !== undefined) state.use(session);
		sse.streamClosed();
	}

	override webSocketError(socket: WebSocket): Promise<void> {
		return this.webSocketClose(socket);
	}

	async restore(): Promise<RestoreOutcome> {
		const { state } = await this.#run();
		try {
			return { outcome: 'restored', rows: await state.restore() };
		} catch (error) {
			return { outcome: 'failed', message: reasonOf(error) };
		}
	}

	/** The platform's alarm, which everything shares: schedule what is yours with `session.schedule`. */
	override async alarm(): Promise<void> {
		try {
			await this.#runAlarm();
		} catch (error) {
			// A deployment that cannot start it, for instance. The platform tries it some minutes long and
			// lets go of it then: a session that nobody comes back to would stay for ever.
			createReporter(this.settings.onError)(error);
			await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
		}
	}

	async #runAlarm(): Promise<void> {
		const { state, streams, sse } = await this.#run('alarm');
		try {
			await sse.runAlarm();
			const onSchedule = this.onSchedule?.bind(this);
			const isEmpty = await state.runAlarm(
				onSchedule && ((name, payload) => onSchedule(name, payload, state.session)),
				streams,
			);
			if (isEmpty) this.#running = undefined;
		} finally {
			state.alarm.markHandled();
		}
	}

	#enter(keptBy: SessionCall['keptBy']): void {
		this.#endsWithSession = keptBy === 'session';
	}

	/** What the instance runs on. Calls that a lost one left behind are seen to. */
	async #run(event?: 'alarm'): Promise<Running<Values>> {
		const running = this.#running ?? this.#start();
		if (event === 'alarm') running.state.alarm.markFired();
		if (!this.#running) {
			const { entries, calls, lifetime } = running.state;
			if (entries.exist) entries.open();
			this.#running = running;
			if (entries.exist && !lifetime.hasEnded) this.ctx.waitUntil(calls.recover());
		}
		await running.state.alarm.known();
		return running;
	}

	/**
	 * Compares the tools with those of the deployment before, once in each instance: when there is
	 * somebody to tell. Streams are opened again after a deployment, which ends all sockets.
	 *
	 * @param isStream whether one was opened just now. Otherwise it is looked once: it is felt by calls.
	 */
	#announceTools({ server, state, streams }: Running<Values>, isStream: boolean): void {
		if (this.#hasAnnounced || !state.entries.exist) return;
		if (!isStream && this.#knowsTools) return;
		this.#knowsTools ||= hasKnownTools(state.entries);
		if (!isStream && this.#knowsTools && !streams.areOpen) return;
		this.#hasAnnounced = true;
		this.ctx.waitUntil(announceToolChange(server, state.entries).catch(state.report));
	}

	#start(): Running<Values> {
		const { settings } = this;
		const resumeCall = this.resumeCall?.bind(this);
		const state: SessionState<Values> = new SessionState<Values>({
			...{ state: this.ctx, env: this.env, settings },
			now: () => this.now(),
			refreshAuth: this.refreshAuth?.bind(this),
			resumeCall: resumeCall && ((call) => resumeCall(call, state.session)),
			keepCall: (session, events) => streams.keep(session, events),
			sayAnswer: (session, frame) => sse.say(session, frame),
			hasStream: (session) => streams.isOpen(session),
			endsWithSession: () => this.#endsWithSession,
		});
		const streams = new ObjectStreams(this.ctx, state.entries, state.alarm);
		const own = this.createServer(state.session);
		const tracked = trackedCalls(own, state.calls, (call, work) => this.runCall(call, work));
		const {
			lifetime = {},
			clientResponseTimeoutSeconds,
			keepAliveSeconds,
			maxBodyBytes,
			onError,
		} = settings;
		const info = new StoredInfoSessionManager(state.store, {
			idleSeconds: lifetime.idleSeconds ?? DEFAULT_IDLE_SECONDS,
			absoluteSeconds: lifetime.absoluteSeconds ?? DEFAULT_ABSOLUTE_SECONDS,
			onError,
			now: () => this.now(),
		});
		const handler = createMcpHandler(
			tracked.server,
			{
				...{ clientResponseTimeoutSeconds, keepAliveSeconds, maxBodyBytes, onError, streams, info },
				subscriptions: new ObjectSubscriptions(streams),
				// The Worker has looked at all of these.
				...{ path: null, allowedHosts: true, allowedOrigins: true },
				// Has the transport hand on who is calling; it is not asked.
				oauth: { verify: async (request) => callOf(request).auth },
				principal: (request) => callOf(request).principal,
			},
			{
				onPrimed: tracked.onPrimed,
				complete: (...answer) => AnswerInHand.of(...answer),
				caller: (request) => callOf(request),
				names: () => ({
					open: async (_principal, headers) => headers.get(NEW_SESSION) ?? '',
					verify: async () => true,
				}),
			},
		);
		const { entries, alarm, report } = state;
		const sse: SseSessions = new SseSessions(settings, tracked.server, {
			...{ entries, alarm, report, streams, info, context: this.ctx },
			enter: (keptBy) => this.#enter(keptBy),
			now: () => this.now(),
		});
		return { state, server: own, handler, streams, sse };
	}
}
