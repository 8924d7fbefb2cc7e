import type { SessionInfo } from '@tmcp-sessions/core/backend';
import { hasSessionInfo } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import type { DirectCall } from './direct-call.ts';
import { isAnsweredAtOnce } from './answered-at-once.ts';
import { isObject, methodOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** Requests that change nothing of their session, so that the transport has no part in them. */
const DIRECT: ReadonlySet<string> = new Set([
	'completion/complete',
	'ping',
	'prompts/get',
	'prompts/list',
	'resources/list',
	'resources/read',
	'resources/templates/list',
	'tools/call',
	'tools/list',
]);

/** What the server gets with a message. */
export type ReceiveContext<Custom extends Record<string, unknown> | undefined> = NonNullable<
	Parameters<McpServer<never, Custom>['receive']>[1]
>;

/** Hands a message to the server and returns its response. */
export type HandleMessage = (message: never, context: never) => Promise<unknown>;

/**
 * Hands the requests of a session to the server before the transport. Most are answered at once and
 * need nothing that the transport creates for each request: a stream, its controller and a
 * `Response`, which together cost more than the rest of the call.
 */
export class DirectCalls<Custom extends Record<string, unknown> | undefined> {
	readonly #handle: HandleMessage;
	readonly #info: InfoSessionManager | undefined;

	/** @param info undefined if the deployment has no sessions. */
	constructor(handle: HandleMessage, info: InfoSessionManager | undefined) {
		this.#handle = handle;
		this.#info = info;
	}

	/** Whether the server can get a request before the transport. */
	accepts({ message, messageId, session }: RequestContext): boolean {
		if (messageId === undefined || (this.#info && !session)) return false;
		const isJsonRpc = isObject(message) && message['jsonrpc'] === '2.0';
		return isJsonRpc && DIRECT.has(methodOf(message) ?? '');
	}

	/**
	 * Has the server answer. Returns `undefined` if the call takes longer or sends a frame first: the
	 * request then goes to the transport, which takes over what has begun.
	 *
	 * @throws what the server, or a backend, fails with at once.
	 */
	async answer(
		context: RequestContext,
		custom: Custom | undefined,
	): Promise<JsonObject | undefined> {
		const { message, progress } = context;
		const call = progress.startDirect();
		const receiveContext = await this.#receiveContext(context, call, custom);
		// Safe because validation has checked the message, and the server checks it again.
		const receiving = this.#handle(message as never, receiveContext as never);
		call.begin(receiving);
		if (!(await isAnsweredAtOnce(() => call.isSettled)) || progress.hasSentFrame) {
			// If the client cancels before, the transport never gets to the server.
			const release = (): void => {
				if (!call.isTakenOver) progress.markHandled();
			};
			receiving.then(release, release);
			return undefined;
		}
		try {
			const response = await receiving;
			return isObject(response) ? response : undefined;
		} finally {
			call.end();
			progress.markHandled();
		}
	}

	/** Creates what the transport would give the server, except for subscriptions. */
	async #receiveContext(
		{ auth, sessionId }: RequestContext,
		{ signal }: DirectCall,
		custom: Custom | undefined,
	): Promise<ReceiveContext<Custom>> {
		// Safe because a server without a context of its own expects none.
		const context = { auth: auth ?? undefined, custom, signal } as ReceiveContext<Custom>;
		const info = this.#info;
		if (!info) return context;
		// Safe because the transport leaves unknown fields undefined too.
		const sessionInfo = (await readInfo(info, sessionId)) as ReceiveContext<Custom>['sessionInfo'];
		return { ...context, sessionId, sessionInfo };
	}
}

/** Costs no read of the store: the request has read the session's record already. */
async function readInfo(
	info: InfoSessionManager,
	session: string,
): Promise<{ [Key in keyof SessionInfo]?: unknown }> {
	const unknown = (): undefined => undefined;
	if (hasSessionInfo(info)) return (await info.getSessionInfo(session).catch(unknown)) ?? {};
	return {
		clientCapabilities: await info.getClientCapabilities(session).catch(unknown),
		clientInfo: await info.getClientInfo(session).catch(unknown),
		logLevel: await info.getLogLevel(session).catch(unknown),
	};
}
