import type { SessionInfo } from '@tmcp-sessions/core/backend';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { isAnsweredAtOnce } from './answered-at-once.ts';
import { isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** Requests in which the transport has no part. All but `initialize` change nothing of their session. */
const DIRECT: ReadonlySet<string> = new Set([
	'completion/complete',
	'initialize',
	'ping',
	'prompts/get',
	'prompts/list',
	'resources/list',
	'resources/read',
	'resources/templates/list',
	'tools/call',
	'tools/list',
]);

/** Hands a message to the server and returns its response. */
export type HandleMessage = (message: never, context: never) => Promise<unknown>;

/**
 * Whether the server can get a request before the transport.
 *
 * @param info undefined if the deployment has no sessions.
 */
export function isDirect(
	{ message, messageId, session }: RequestContext,
	info: InfoSessionManager | undefined,
): boolean {
	if (messageId === undefined || (info && !session)) return false;
	const isJsonRpc = isObject(message) && message['jsonrpc'] === '2.0';
	return isJsonRpc && DIRECT.has(methodOf(message) ?? '');
}

/**
 * Hands a request to the server before the transport. Most are answered at once and need nothing that
 * the transport creates for each request: a stream, its controller and a `Response`, which together
 * cost more than the rest of the call. Returns `undefined` if the call takes longer or sends a frame
 * first: the request then goes to the transport, which takes over what has begun.
 *
 * @param known the metadata of the session. Default: it is read.
 * @param openingMs how long `initialize` may take. It waits for a store, so it is not answered at once.
 * @throws what the server, or a backend, fails with at once.
 */
export async function answerDirectly<Custom extends Record<string, unknown> | undefined>(
	handle: HandleMessage,
	info: InfoSessionManager | undefined,
	context: RequestContext,
	custom: Custom | undefined,
	known: SessionInfo | undefined,
	openingMs: number,
): Promise<JsonObject | undefined> {
	const { message, origin, progress, sessionId } = context;
	const call = progress.startDirect();
	// What the transport would give the server, except for subscriptions.
	const { signal } = call;
	const auth = origin.auth ?? undefined;
	const opens = methodOf(message) === 'initialize';
	const sessionInfo =
		info && (opens ? newInfo(message) : (known ?? (await readInfo(info, sessionId))));
	const receiveContext = info
		? { auth, custom, signal, sessionId, sessionInfo }
		: { auth, custom, signal };
	// Safe because validation has checked the message, and the server checks it again.
	const receiving = handle(message as never, receiveContext as never);
	call.begin(receiving);
	if (!(await isAnsweredAtOnce(() => call.isSettled)) && opens) await call.settledWithin(openingMs);
	if (!call.isSettled || progress.hasSentFrame) {
		// If the client cancels before, the transport never gets to the server.
		const release = (): void => {
			if (!call.sendNow) progress.markHandled();
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

/** Returns what `initialize` declares. The server checks it. */
function newInfo(message: unknown): { [Key in keyof SessionInfo]?: unknown } {
	const { capabilities: clientCapabilities, clientInfo } = paramsOf(message);
	return { clientCapabilities, clientInfo };
}

/**
 * Returns what the client of a session has declared. Costs no read of the store: the request has read the
 * session's record already.
 */
export async function readInfo(
	info: InfoSessionManager,
	session: string,
): Promise<{ [Key in keyof SessionInfo]?: unknown }> {
	const unknown = (): undefined => undefined;
	return {
		clientCapabilities: await info.getClientCapabilities(session).catch(unknown),
		clientInfo: await info.getClientInfo(session).catch(unknown),
		logLevel: await info.getLogLevel(session).catch(unknown),
	};
}
