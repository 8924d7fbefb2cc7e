import type { JsonObject, RequestContext } from '@tmcp-sessions/http/internal';

/** The headers of a response in the format of events. */
export const STREAM_HEADERS = {
	'content-type': 'text/event-stream',
	'cache-control': 'no-cache',
} as const;

/** The JSON-RPC error of a call, for the client. */
export class CallError extends Error {
	readonly response: JsonObject;

	constructor(failed: JsonObject) {
		super('the call failed');
		this.response = failed;
	}
}

/** Answers a request that the server does not get. */
export async function answered(
	context: RequestContext,
	answer: () => Promise<JsonObject>,
): Promise<Response> {
	const { progress } = context;
	progress.markBegun();
	try {
		progress.withhold(response(context, await answer()));
	} catch (error) {
		if (!(error instanceof CallError)) throw error;
		progress.withhold(error.response);
	} finally {
		progress.markHandled();
	}
	return new Response(null, { headers: STREAM_HEADERS });
}

/** Creates the JSON-RPC response to a request. */
export function response({ messageId }: RequestContext, result: JsonObject): JsonObject {
	return { jsonrpc: '2.0', id: messageId ?? null, result };
}
