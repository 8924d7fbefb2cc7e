import { CallProgress } from '../calls/call-progress.ts';
import type { HandleMessage } from '../calls/direct-calls.ts';
import type { BackgroundCall } from '../endpoint/server-extension.ts';
import { CachedHeaders } from '../request/cached-headers.ts';
import { errorMessage } from '../request/http-rejection.ts';
import { idOf, isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { RequestContext } from '../request/request-context.ts';
import type { RequestOrigin } from '../request/request-context.ts';

const NO_HEADERS = new CachedHeaders({ get: () => null });

/**
 * Has the server answer a message without a client, in a separate scope. Resolves with an error if
 * the server rejects the message.
 *
 * @param owner as `CallProgress.owner`.
 */
export async function runInBackground(
	handle: HandleMessage,
	owner: object,
	call: BackgroundCall,
	{ report, secrets }: Pick<RequestOrigin, 'report' | 'secrets'>,
): Promise<JsonObject> {
	const { message, onFrame, principal, platform, sessionId, sessionInfo } = call;
	const { auth, custom, signal } = call;
	const id = idOf(message);
	const progress = new CallProgress(owner);
	progress.onFrame = onFrame;
	const origin: RequestOrigin = {
		request: undefined,
		method: 'POST',
		headers: NO_HEADERS,
		auth: auth ?? null,
		principal,
		platform,
		pickShard: () => '0',
		secrets,
		// A call that was cancelled often ends with an error, which is expected.
		report(error, session) {
			if (!signal.aborted) report(error, session);
		},
	};
	const session = sessionId === undefined ? undefined : { id: sessionId, internalId: sessionId };
	const context = new RequestContext(origin, { message, messageId: id, session }, progress);
	const receiveContext = {
		auth,
		custom,
		signal,
		sessionInfo,
		...(sessionId !== undefined && { sessionId }),
	};
	try {
		// Safe because the server checks the message, and reads no other members of the context.
		const response: unknown = await context.run(() =>
			handle(message as never, receiveContext as never),
		);
		if (isObject(response)) return response;
		throw new Error(`expected a response to ${String(message.method)}; got ${typeof response}`);
	} catch (error) {
		return errorMessage(error, id);
	} finally {
		progress.markHandled();
	}
}
