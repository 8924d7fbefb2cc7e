import { createMcpHandler } from '@modelcontextprotocol/server';
import type { AuthInfo, McpRequestContext } from '@modelcontextprotocol/server';
import { HttpRejection, idOf, isObject, methodOf, paramsOf } from '@tmcp-sessions/http/server';
import type { JsonObject, RequestContext } from '@tmcp-sessions/http/server';

import type { CreateServer } from '../server/create-server.ts';
import type { Cancellation } from '../session-based/sdk-exchange.ts';
import { interceptSends } from './intercept-sends.ts';

/** What a server gets besides a stateless message. */
interface StatelessInput {
	/** Undefined for a message that no client has sent. */
	readonly request?: RequestContext | undefined;
	readonly auth?: AuthInfo | undefined;
	/** Aborted when the client cancels the message, or disconnects. */
	readonly signal?: Cancellation | undefined;
}

/** Hands a stateless message to a new server and returns the response; null if there is none. */
export type ReceiveStateless = (
	message: JsonObject,
	input: StatelessInput,
) => Promise<JsonObject | null>;

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/**
 * Creates what has the SDK's own handler answer stateless messages that come without an HTTP request.
 *
 * @param onFrame called for everything that the server sends before its response.
 */
export function createStatelessReceiver(
	create: CreateServer,
	onFrame: (frame: JsonObject) => void,
): ReceiveStateless {
	return async (message, input) => {
		const { auth } = input;
		const failures: unknown[] = [];
		// One for each message, because its errors do not name the message that they belong to.
		const handler = createMcpHandler(
			async ({ authInfo }) => {
				const context: McpRequestContext = { era: 'modern', ...(authInfo && { authInfo }) };
				const requestInfo = input.request?.origin.request;
				try {
					const server = await create({ ...context, ...(requestInfo && { requestInfo }) });
					interceptSends(server, { onChange: onFrame });
					return server;
				} catch (error) {
					failures.push(error);
					throw error;
				}
			},
			// The handler in front of it sends keep-alives.
			{ legacy: 'reject', keepAliveMs: 0 },
		);
		const response = await handler.fetch(requestFor(message, input), {
			parsedBody: message,
			...(auth && { authInfo: auth }),
		});
		if (failures.length > 0) throw failures[0];
		if (response.headers.get('content-type') === 'text/event-stream') {
			return response.body && lastOf(response.body, message, onFrame);
		}
		const body: unknown = await response.json().catch(() => undefined);
		if (!isObject(body)) return null;
		const challenge = response.headers.get('www-authenticate');
		if (challenge !== null) throw challenged(response.status, challenge, body);
		return body;
	};
}

/** Returns what the SDK's handler reads of a request whose message is parsed already. */
function requestFor(message: JsonObject, { request, signal }: StatelessInput): Request {
	const { _meta: metadata, name, uri } = paramsOf(message);
	// The transport has compared the headers with the message. A client of another revision has none.
	const own: Readonly<Record<string, unknown>> = {
		'content-type': 'application/json',
		'mcp-method': methodOf(message),
		'mcp-protocol-version': isObject(metadata) ? metadata[VERSION_KEY] : undefined,
	};
	const get = (header: string): unknown => {
		const key = header.toLowerCase();
		const found = own[key] ?? request?.headers.get(key) ?? null;
		return key === 'mcp-name' ? (found ?? name ?? uri ?? null) : found;
	};
	// Safe because the handler and the transport of the SDK read no other members.
	return {
		url: 'http://localhost/',
		method: 'POST',
		headers: { get },
		signal,
	} as unknown as Request;
}

/** Passes on the frames of a stream and returns its response. */
async function lastOf(
	body: ReadableStream<Uint8Array>,
	{ id }: JsonObject,
	onFrame: (frame: JsonObject) => void,
): Promise<JsonObject | null> {
	const decoder = new TextDecoder();
	let [text, response]: [string, JsonObject | null] = ['', null];
	for await (const chunk of body) {
		const events = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
		text = events.pop() ?? '';
		for (const event of events) {
			const [, data] = /^data: (.*)$/m.exec(event) ?? [];
			const message: unknown = data === undefined ? undefined : JSON.parse(data);
			if (!isObject(message)) continue;
			if (methodOf(message) === undefined && idOf(message) === id) response = message;
			else onFrame(message);
		}
	}
	return response;
}

/** Returns the rejection of a caller whose token lacks a scope that the tool requires. */
function challenged(status: number, challenge: string, body: JsonObject): HttpRejection {
	const { code, message } = isObject(body.error) ? body.error : {};
	return new HttpRejection(
		status,
		typeof code === 'number' ? code : -32_600,
		typeof message === 'string' ? message : 'Forbidden',
		{ headers: { 'WWW-Authenticate': challenge } },
	);
}
