import { isInputRequired, McpError } from 'tmcp';
import type { McpServer } from 'tmcp';

import { configurationError } from '../configuration-error.ts';
import { isObject, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { currentContext } from '../request/request-context.ts';
import { MISSING_CAPABILITY } from '../validation/stateless-requests.ts';
import { rootsIn } from './session-roots.ts';
import type { Root } from './session-roots.ts';

type RootsServer = Pick<McpServer, 'ctx' | 'message' | 'request' | 'roots'>;

/** The servers by the registry of the calls that they run. */
const servers = new WeakMap<object, RootsServer>();

/**
 * Lets tools request roots of the clients whose calls are in a registry.
 *
 * @param owner as `CallProgress.owner`.
 */
export function provideRoots(owner: object, server: object): void {
	// Safe because `requestRoots` checks that the server has these members.
	servers.set(owner, server as RootsServer);
}

/**
 * Returns the roots of the client whose call runs, in both eras. Sets `server.roots` too.
 *
 * A session-based client is sent a `roots/list` on the stream of its call. A stateless client gets a
 * result that requires input, and calls again with its roots: as with an elicitation, the tool, prompt
 * or resource must be `replayable`, runs again from the top, must await this promise, and must rethrow
 * what `isInputRequired` recognizes.
 *
 * @param key names the input request. Each request of one call needs its own.
 * @throws {McpError} -32021 (stateless) or -32601 if the client has no roots.
 * @throws {TmcpSessionsError} `configuration` outside of a request of `createMcpHandler`.
 */
export async function requestRoots(key: string): Promise<readonly Root[]> {
	const context = currentContext();
	const server = context && servers.get(context.progress.owner);
	if (!server || !('message' in server)) {
		throw configurationError(
			'requestRoots needs the current request; got none. Call it in a tool, a prompt or a resource ' +
				'of a tmcp server that createMcpHandler serves',
		);
	}
	const capabilities: unknown = server.ctx.sessionInfo?.clientCapabilities;
	if (!isObject(capabilities) || !isObject(capabilities['roots'])) {
		if (!context.isStateless) throw new McpError(-32601, "Client doesn't support roots");
		const message = 'Missing required client capability: roots';
		throw new McpError(MISSING_CAPABILITY, message, { requiredCapabilities: { roots: {} } });
	}
	const roots = rootsIn(
		context.isStateless
			? await inputRoots(server, capabilities, key)
			: rootsOf(await server.request({ method: 'roots/list' })),
	);
	server.roots = roots;
	return roots;
}

const MARK = 'tmcp-sessions/roots';
const ROOTS_REQUEST = { messages: [], maxTokens: 1, _meta: { [MARK]: true } };

/**
 * Requests roots as a sampling, the only way to make tmcp 1.20 end the call with an input request of
 * its own and keep the response in its state (docs/upstream.md). `withRootsRequests` and
 * `withRootsResponses` translate on the way to the client and back.
 */
async function inputRoots(
	server: RootsServer,
	capabilities: JsonObject,
	key: string,
): Promise<unknown> {
	const declared = { ...capabilities };
	let response: ReturnType<RootsServer['message']>;
	try {
		// tmcp checks the capability synchronously; no other code sees the change.
		Object.assign(capabilities, { sampling: {} });
		response = server.message(ROOTS_REQUEST, { key });
	} finally {
		if ('sampling' in declared) Object.assign(capabilities, { sampling: declared['sampling'] });
		else Reflect.deleteProperty(capabilities, 'sampling');
	}
	try {
		const { content } = await response;
		return content.type === 'text' ? JSON.parse(content.text) : undefined;
	} catch (error) {
		if (error instanceof SyntaxError) throw new McpError(-32602, invalidRoots(key));
		if (!isInputRequired(error) && error instanceof Error) {
			error.message = error.message
				.replace('a sampling result (CreateMessageResult)', 'a roots result ({ roots })')
				.replaceAll('sampling', 'roots');
		}
		throw error;
	}
}

function invalidRoots(key: string): string {
	return `Invalid input response for key "${key}": expected a roots result ({ roots })`;
}

/** Returns a stateless request whose roots responses are the samplings that tmcp awaits. */
export function withRootsResponses<Message extends object>(message: Message): Message {
	const params = paramsOf(message);
	const responses = params['inputResponses'];
	if (!isObject(responses)) return message;
	const inputResponses = mapValues(responses, (response) =>
		isObject(response) && Array.isArray(response['roots'])
			? sampled(JSON.stringify(response['roots']))
			: response,
	);
	return { ...message, params: { ...params, inputResponses } };
}

function sampled(text: string): object {
	return { role: 'user', model: MARK, content: { type: 'text', text } };
}

/** Returns the response to a stateless request with roots requests in place of the marked samplings. */
export function withRootsRequests<Response extends { readonly result: JsonObject }>(
	response: Response,
): Response {
	const { inputRequests } = response.result;
	if (!isObject(inputRequests)) return response;
	const requests = mapValues(inputRequests, (request) => {
		const { _meta: metadata } = paramsOf(request);
		return isObject(metadata) && metadata[MARK] === true ? { method: 'roots/list' } : request;
	});
	return { ...response, result: { ...response.result, inputRequests: requests } };
}

function rootsOf(result: unknown): unknown {
	return isObject(result) ? result['roots'] : undefined;
}

function mapValues(values: JsonObject, map: (value: unknown) => unknown): JsonObject {
	return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
}
