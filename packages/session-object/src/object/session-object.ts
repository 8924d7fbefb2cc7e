import { createReporter, reasonOf } from '@tmcp-sessions/core/backend';
import { answerCheck, NewerStorageError } from '@tmcp-sessions/core/internal';
import { authorizedNotifications, isMistake } from '@tmcp-sessions/http/internal';
import type { JsonObject, RoutedCall } from '@tmcp-sessions/http/internal';
import { parsePurpose } from '@tmcp-sessions/streams-durable-object/internal';
import type {
	DeliveryOutcome,
	NumberedChange,
} from '@tmcp-sessions/streams-durable-object/internal';
import { DurableObject } from 'cloudflare:workers';

import type { InterruptedCall, ToolResult } from '../features/call-journal.ts';
import type { AuthTokens } from '../features/session-auth.ts';
import type { ContextValues } from '../features/session-context.ts';
import { readHonoredSubset } from './honored-subset.ts';
import type { HonoredSubset } from './honored-subset.ts';
import { SessionStateError } from '../errors.ts';
import { createInstance } from './instance.ts';
import type { Instance } from './instance.ts';
import { deserialize, serialize } from './rpc-format.ts';
import type { RestoreOutcome, SessionObjectRpc } from './session-object-rpc.ts';
import { rejection, SESSION_WIRE_VERSION } from './session-request.ts';
import type { ObjectPer, SessionRequest } from './session-request.ts';
import type { SessionSettings } from './session-settings.ts';
import type { Session, SessionServer } from './session.ts';
import { announceToolChange, hasStoredTools } from './tool-list.ts';

const ALARM_RETRY_MS = 5 * 60_000;
/** An older deployment can only wait for a later one. Without an alarm, expired data would stay forever. */
const NEWER_STORAGE_RETRY_MS = 24 * 60 * 60_000;

/**
 * The Durable Object of one session, or of all sessions of an identity. The MCP server runs in the
 * object beside its state, so that no call waits for remote storage. Extend this class, implement
 * `createServer`, and put a `createSessionRouter` in front.
 */
export abstract class SessionObject<
	Env = Cloudflare.Env,
	Values extends ContextValues = Record<string, unknown>,
>
	extends DurableObject<Env>
	implements SessionObjectRpc
{
	/** Configures the sessions. */
	readonly settings: SessionSettings<Values> = {};

	#instance: Instance<Values> | undefined;
	#hasAnnouncedTools = false;
	#hasStoredTools = false;
	/** Set by each request: an identity's object outlives its sessions. */
	#objectPer: ObjectPer = 'session';

	/**
	 * Creates the session's server, whose tools close over `session`: a tmcp server, or one of the
	 * official SDK through `sdkServer` of `@tmcp-sessions/sdk`. Called once per instance.
	 */
	abstract createServer(session: Session<Values>): SessionServer;

	/**
	 * Exchanges expired tokens for new ones, once for all calls that wait for them. Times out after one
	 * minute. A `refreshToken` or `extra` that it omits keeps its value.
	 */
	refreshAuth?(service: string, expired: AuthTokens): Promise<AuthTokens>;

	/**
	 * Continues a call whose instance was lost, or throws to end it with an error. The client gets the
	 * response when it resumes the call's stream. Default: an error that tells the client to call again.
	 */
	resumeCall?(call: InterruptedCall, session: Session<Values>): Promise<ToolResult> | ToolResult;

	/**
	 * Runs a job that `session.schedule` has scheduled, at least once. If it throws, takes longer than
	 * five minutes or its object is lost, it is retried with increasing delays, up to eight times in all.
	 */
	onSchedule?(name: string, payload: unknown, session: Session<Values>): Promise<void> | void;

	/**
	 * Runs a call. Override it to change how a call is executed or what it responds, for instance to move
	 * long work to a queue.
	 *
	 * @param execute passes the call to the server, and returns its JSON-RPC response.
	 */
	runCall(
		_call: { tool: string; arguments: unknown },
		execute: () => Promise<unknown>,
	): Promise<unknown> {
		return execute();
	}

	/** Returns the time in milliseconds since the epoch. Tests override it. */
	now(): number {
		return Date.now();
	}

	async answer(text: string): Promise<Response | string> {
		const request = deserialize<SessionRequest>(text);
		if ((request.version ?? 1) > SESSION_WIRE_VERSION) {
			const message =
				'A deployment is under way: the session serves this request when it is complete';
			return serialize(rejection(503, `${message}; try again later`));
		}
		let instance: Instance<Values>;
		try {
			instance = await this.#start();
		} catch (error) {
			// The cause is a mistake of the deployment, which the client cannot fix and must not see.
			createReporter(this.settings.onError)(error);
			const { body } = deserialize<SessionRequest>(text);
			const later = 'The session was used by a later release of the server; try again later';
			if (error instanceof NewerStorageError) return serialize(rejection(503, later, { body }));
			const isExplained = isMistake(error);
			const message = isExplained
				? 'The server is misconfigured; its log says how to fix it'
				: 'Internal error';
			const answer = rejection(500, message, { body });
			return serialize(isExplained ? { ...answer, mistake: error.message } : answer);
		}
		const { state, handle, legacySse } = instance;
		if (state.lifetime.endReason === 'expired') {
			const message = 'The session has expired and is being archived; try again later';
			const { body } = deserialize<SessionRequest>(text);
			return serialize(rejection(503, message, { body }));
		}
		state.lifetime.touch();
		this.#objectPer = request.objectPer;
		const answer = await (request.transport === 'sse'
			? legacySse.answer(request)
			: handle(request, this.ctx));
		this.#announceTools(instance, false);
		return answer instanceof Response ? answer : serialize(answer);
	}

	/** Accepts the WebSocket of a Worker that holds a client's stream. Requests arrive by `answer`. */
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
			const text =
				'A SessionObject accepts requests only from createSessionRouter; send them to the router';
			return new Response(text, { status: 426, headers: { Upgrade: 'websocket' } });
		}
		const instance = await this.#start();
		const { state, streams, changes } = instance;
		state.lifetime.touch();
		const accept = (): Response =>
			streams.accept(
				request,
				(session) => state.isLive(session),
				() => state.lifetime.begin(),
			);
		const response = changes ? await this.#acceptRegistered(request, instance, accept) : accept();
		this.#announceTools(instance, true);
		return response;
	}

	async receiveChanges(
		token: string,
		published: readonly NumberedChange[],
	): Promise<DeliveryOutcome> {
		const { changes } = await this.#start();
		return (await changes?.receive(token, published)) ?? 'gone';
	}

	async isLive(session: string): Promise<boolean> {
		const { state } = await this.#start();
		return state.isLive(session);
	}

	async deliver(session: string, message: string, call?: string): Promise<number> {
		const { state, streams } = await this.#start();
		const accepted = await streams.deliver(session, message, call);
		return accepted + (state.calls.awaitsResume(message) ? 1 : 0);
	}

	async honoredSubset(
		notifications: JsonObject,
		{ auth, principal }: Pick<RoutedCall, 'auth' | 'principal'> = { auth: null, principal: '' },
	): Promise<HonoredSubset> {
		const { extension, server } = await this.#start();
		const { authorizeSubscription: authorize } = this.settings;
		const subscriber = { auth, principal, isStateless: true };
		const authorized = authorize
			? await authorizedNotifications(authorize, notifications, subscriber)
			: notifications;
		const honored = await readHonoredSubset(server, authorized);
		const extended = await extension?.honoredSubset?.(principal, notifications);
		return { ...honored, notifications: Object.assign({}, honored.notifications, extended) };
	}

	async extension(message: JsonObject): Promise<JsonObject> {
		const { extension, state } = await this.#start();
		state.lifetime.touch();
		if (extension?.receive) return extension.receive(message);
		throw new SessionStateError(
			'a task runs in this object, whose settings have no tasks; set settings.tasks to the tasks of the router',
		);
	}

	override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
		answerCheck(socket, message);
	}

	override async webSocketClose(socket: WebSocket): Promise<void> {
		const { state, streams, legacySse, changes } = await this.#start();
		const session = streams.handleClose(socket);
		if (session !== undefined) state.use(session);
		legacySse.handleClose();
		// The closed socket may have been a subscription.
		if (session === undefined) await changes?.reduce();
	}

	override webSocketError(socket: WebSocket): Promise<void> {
		return this.webSocketClose(socket);
	}

	async restore(): Promise<RestoreOutcome> {
		const { state } = await this.#start();
		try {
			return { outcome: 'restored', rows: await state.restore() };
		} catch (error) {
			return { outcome: 'failed', message: reasonOf(error) };
		}
	}

	/** Handles the object's only alarm. Do not override it: schedule jobs with `session.schedule`. */
	override async alarm(): Promise<void> {
		try {
			await this.#runAlarm();
		} catch (error) {
			// For instance a deployment with invalid settings. The platform retries an alarm for some minutes
			// and then drops it: an unused session would never be deleted.
			createReporter(this.settings.onError)(error);
			const isNewer = error instanceof NewerStorageError;
			const delayMs = isNewer ? NEWER_STORAGE_RETRY_MS : ALARM_RETRY_MS;
			await this.ctx.storage.setAlarm(Date.now() + delayMs);
		}
	}

	/** Accepts a socket once the object is registered for the changes that its client gets. */
	async #acceptRegistered(
		request: Request,
		{ changes, state }: Instance<Values>,
		accept: () => Response,
	): Promise<Response> {
		const purpose = parsePurpose(request.url);
		const needsChanges =
			purpose?.role === 'subscription' ||
			(purpose?.role === 'stream' && state.isLive(decodeURIComponent(purpose.session)));
		if (!changes || !needsChanges) return accept();
		if (purpose.role === 'subscription') state.lifetime.begin();
		try {
			await changes.prepare(purpose);
		} catch (error) {
			state.report(error);
			const reason = `the object was not registered for changes: ${reasonOf(error)}`;
			return new Response(reason, { status: 503 });
		}
		try {
			return accept();
		} finally {
			changes.settle(purpose);
		}
	}

	async #runAlarm(): Promise<void> {
		const { state, streams, legacySse, changes } = await this.#start('alarm');
		try {
			await legacySse.runAlarm();
			const onSchedule = this.onSchedule?.bind(this);
			const isDeleted = await state.runAlarm(
				onSchedule && ((name, payload) => onSchedule(name, payload, state.session)),
				streams,
				changes,
			);
			if (isDeleted) this.#instance = undefined;
		} finally {
			state.alarm.markHandled();
		}
	}

	/** Returns the instance. The first event creates it, and recovers the calls of a lost instance. */
	async #start(event?: 'alarm'): Promise<Instance<Values>> {
		const instance = this.#instance ?? this.#createInstance();
		if (event === 'alarm') instance.state.alarm.markFired();
		if (!this.#instance) {
			const { entries, calls, lifetime } = instance.state;
			if (entries.hasData) entries.open();
			this.#instance = instance;
			if (entries.hasData && !lifetime.hasEnded) this.ctx.waitUntil(calls.recover());
		}
		await instance.state.alarm.load();
		return instance;
	}

	/** Not called in the constructor, which runs before the fields of the subclass are initialized. */
	#createInstance(): Instance<Values> {
		return createInstance<Values>({
			context: this.ctx,
			env: this.env,
			settings: this.settings,
			createServer: (session) => this.createServer(session),
			refreshAuth: this.refreshAuth?.bind(this),
			resumeCall: this.resumeCall?.bind(this),
			runCall: (call, execute) => this.runCall(call, execute),
			now: () => this.now(),
			endsWithSession: () => this.#objectPer === 'session',
			onEndingLegacySse: (objectPer) => {
				this.#objectPer = objectPer;
			},
		});
	}

	/**
	 * Compares the tools with those of the last deployment, once per instance, when a client can receive
	 * the notification. A deployment closes all sockets, so its streams are opened again afterwards.
	 *
	 * @param isNewStream whether a stream was just opened. For other requests the storage is read at most
	 * once, since every call would pay for it.
	 */
	#announceTools({ server, state, streams }: Instance<Values>, isNewStream: boolean): void {
		if (this.#hasAnnouncedTools || !state.entries.hasData) return;
		if (!isNewStream && this.#hasStoredTools) return;
		this.#hasStoredTools ||= hasStoredTools(state.entries);
		if (!isNewStream && this.#hasStoredTools && !streams.areOpen) return;
		this.#hasAnnouncedTools = true;
		this.ctx.waitUntil(announceToolChange(server, state.entries).catch(state.report));
	}
}
