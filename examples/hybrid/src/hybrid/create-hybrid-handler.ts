import type { ExecutionContextLike, McpHandler, OAuthHelper } from '@tmcp-sessions/http';

import { signRequest } from './edge-signature.ts';
import { LISTS, mergeLists } from './merge-lists.ts';

/** Options of `createHybridHandler`. */
export interface HybridOptions {
	/** A service binding to the origin, or anything else that sends requests. */
	readonly origin: { fetch(request: Request): Promise<Response> };
	/** The tools, prompts and resources of the origin. A `*` at the end of a name or uri stands for any rest. */
	readonly forward: readonly string[];
	/** The secrets that the origin passes to `acceptEdge`, separated by spaces. The first signs. */
	readonly keys: string;
	/** The `oauth` of the handler. Without it, requests have no caller. */
	readonly oauth?: Pick<OAuthHelper, 'verify'> | undefined;
	/** The path of both handlers. Default: `/mcp`. */
	readonly path?: string | undefined;
}

/** A JSON-RPC message whose members are not validated. */
interface Message {
	readonly id?: unknown;
	readonly method?: unknown;
	readonly params?: Readonly<Record<string, unknown>> | undefined;
}

const MAX_BODY_BYTES = 1024 * 1024;
const UNREACHABLE = 'The server of this tool or resource cannot be reached; try again later';
const BATCH =
	'A batch must not name tools, prompts or resources of two servers; send each by itself';

/**
 * Adds the tools, prompts and resources of an origin to the handler of an edge. Lists have those of both.
 *
 * Both serve the same sessions, so that streams, client responses, cancellations and tasks reach the
 * Worker that has the call through the storage that they share.
 */
export function createHybridHandler(handler: McpHandler, options: HybridOptions): McpHandler {
	const isOfOrigin = (item: unknown): boolean => {
		const { name, ref, uri, uriTemplate }: Record<string, unknown> = Object(item);
		// A resource has a name, too.
		const target = uri ?? uriTemplate ?? name;
		return typeof target === 'string'
			? options.forward.some((pattern) => isMatch(pattern, target))
			: ref !== undefined && isOfOrigin(ref);
	};
	return {
		async fetch(request, env, context) {
			const edge = (sent: Request): Promise<Response> => handler.fetch(sent, env, context);
			return (await route(request, context, options, isOfOrigin, edge)) ?? edge(request);
		},
	};
}

function isMatch(pattern: string, target: string): boolean {
	return pattern.endsWith('*') ? target.startsWith(pattern.slice(0, -1)) : target === pattern;
}

/** Answers a request of which the origin has a part. Returns `undefined` for any other. */
async function route(
	request: Request,
	context: ExecutionContextLike | undefined,
	{ keys, oauth, origin, path = '/mcp' }: HybridOptions,
	isOfOrigin: (item: unknown) => boolean,
	edge: (request: Request) => Promise<Response>,
): Promise<Response | undefined> {
	if (request.method !== 'POST' || new URL(request.url).pathname !== path) return undefined;
	const text = await readText(request);
	const message = parse(text);
	if (text === undefined || message === undefined) return undefined;
	if (Array.isArray(message)) {
		return message.some(({ params }) => isOfOrigin(params))
			? failure(400, -32600, BATCH)
			: undefined;
	}
	const { id, method, params } = message;
	const key = LISTS.get(method);
	if (method === undefined || (!key && !isOfOrigin(params))) return undefined;
	const caller = oauth ? await oauth.verify(request, context).catch(() => null) : null;
	// The handler rejects it.
	if (oauth && !caller) return undefined;
	const forward = (sent: Request, body: string): Promise<Response> =>
		ask(origin, signRequest(sent, body, caller, keys), id);
	if (!key) return forward(request, text);
	const at = (cursor: unknown): string =>
		JSON.stringify({ ...message, params: { ...params, cursor } });
	return mergeLists(key, params?.['cursor'], isOfOrigin, {
		edge: (cursor) => edge(listRequest(request, at(cursor))),
		origin: (cursor) => forward(listRequest(request, at(cursor)), at(cursor)),
	});
}

/** Returns `undefined` for a body that is too large, which the handler rejects. */
async function readText(request: Request): Promise<string | undefined> {
	const decoder = new TextDecoder();
	let text = '';
	let size = 0;
	for await (const chunk of request.clone().body ?? []) {
		size += chunk.byteLength;
		if (size > MAX_BODY_BYTES) return undefined;
		text += decoder.decode(chunk, { stream: true });
	}
	return text + decoder.decode();
}

/** Returns `undefined` for a text that is not a message, which the handler rejects. */
function parse(text = ''): Message | Message[] | undefined {
	try {
		const value: unknown = JSON.parse(text);
		const isValid = [value].flat().every((each) => typeof each === 'object' && each !== null);
		// Safe because the members of a message are not trusted.
		return isValid ? (value as Message | Message[]) : undefined;
	} catch {
		return undefined;
	}
}

/** Returns the list request with another body. Its response is JSON, which can be merged. */
function listRequest({ headers: received, signal, url }: Request, body: string): Request {
	const headers = new Headers(received);
	headers.delete('content-length');
	headers.set('accept', 'application/json');
	return new Request(url, { method: 'POST', headers, body, signal });
}

/** Sends a request to the origin. If that fails, the edge answers with an error and continues. */
async function ask(
	origin: HybridOptions['origin'],
	request: Request,
	id: unknown,
): Promise<Response> {
	try {
		const response = await origin.fetch(request);
		const isMessage = response.headers.get('content-type')?.startsWith('application/json');
		if (response.status < 500 || isMessage) return response;
		throw new Error(`expected a JSON-RPC response; got status ${response.status}`);
	} catch (error) {
		console.error('The origin cannot be reached:', error);
		return failure(503, -32603, UNREACHABLE, id);
	}
}

function failure(status: number, code: number, message: string, id: unknown = null): Response {
	const headers = new Headers(status === 503 ? { 'retry-after': '5' } : {});
	return Response.json({ jsonrpc: '2.0', id, error: { code, message } }, { status, headers });
}
