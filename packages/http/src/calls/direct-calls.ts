import type { SessionInfo } from '@tmcp-sessions/core/backend';
import { hasSessionInfo } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import { DirectCall } from './direct-call.ts';
import { methodOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { isAnsweredAtOnce } from './turns.ts';

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

/** What the server is told with a message. */
type Context<Custom extends Record<string, unknown> | undefined> = NonNullable<
	Parameters<McpServer<never, Custom>['receive']>[1]
>;

/** The server as the transport sees it. */
export interface DirectServer<Custom extends Record<string, unknown> | undefined> {
	receive(message: never, context: Context<Custom>): unknown;
}

/**
 * Hands a session's requests to the server before the transport gets them. Most are answered at once,
 * and need none of what the transport makes for each: a stream, a response, a controller, which
 * together cost more than all else of a call.
 */
export class DirectCalls<Custom extends Record<string, unknown> | undefined> {
	readonly #server: DirectServer<Custom>;
	readonly #info: InfoSessionManager | undefined;

	/** @param info where sessions are kept; none, where there are none. */
	constructor(server: DirectServer<Custom>, info: InfoSessionManager | undefined) {
		this.#server = server;
		this.#info = info;
	}

	/** Whether the server can have a request at once. */
	takes({ message, messageId, sessionId }: RequestContext): boolean {
		if (messageId === undefined || (this.#info && !sessionId)) return false;
		// Sound: with an id it is an object.
		const isOfProtocol = (message as JsonObject)['jsonrpc'] === '2.0';
		return isOfProtocol && DIRECT.has(methodOf(message) ?? '');
	}

	/**
	 * Has the server answer, unless that takes a while or it says something else before: then the
	 * request goes to the transport, which takes over what has begun.
	 *
	 * @throws what the server, or a backend, fails with at once.
	 */
	async answer(work: RequestContext, custom: Custom | undefined): Promise<JsonObject | undefined> {
		const call = new DirectCall();
		const context = await this.#contextOf(work, call, custom);
		work.direct = call;
		// Sound: the rules have looked at it, and the server looks again.
		const receiving = this.#server.receive(work.message as never, context);
		call.begin(Promise.resolve(receiving));
		if (!(await isAnsweredAtOnce(work)) || work.hasSpoken) return undefined;
		await receiving;
		call.end();
		return work.response;
	}

	/** What the transport would tell the server, but how to listen. */
	async #contextOf(
		{ auth, sessionId }: RequestContext,
		{ signal }: DirectCall,
		custom: Custom | undefined,
	): Promise<Context<Custom>> {
		// Sound: a server without a context of its own expects none.
		const context = { auth: auth ?? undefined, custom, signal } as Context<Custom>;
		const info = this.#info;
		if (!info) return context;
		// Sound: what is not known is undefined, as the transport has it.
		const sessionInfo = (await infoOf(info, sessionId)) as Context<Custom>['sessionInfo'];
		return { ...context, sessionId, sessionInfo };
	}
}

/** One read: the rules have asked for the session's record in this request. */
async function infoOf(
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
