import { createReporter } from '@tmcp-sessions/core/backend';
import {
	currentContext,
	idOf,
	isObject,
	isStateless,
	methodOf,
	sessionBasedOnly,
} from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

import type { SessionServer } from '../object/session.ts';
import { SdkExchange } from './sdk-exchange.ts';
import type { SdkServer } from './sdk-types.ts';

type Context = Parameters<SessionServer['receive']>[1];
type Listener = (detail: object) => unknown;

/** The newest revision with sessions: what the SDK is told, who asks for the client's. */
const VERSION = '2025-11-25';
const METHOD_NOT_FOUND = -32_601;
const LEVELS = [
	'debug',
	'info',
	'notice',
	'warning',
	'error',
	'critical',
	'alert',
	'emergency',
] as const;
/** What is for all sessions of the object. */
const CHANGES: ReadonlySet<string | undefined> = new Set([
	'notifications/tools/list_changed',
	'notifications/prompts/list_changed',
	'notifications/resources/list_changed',
	'notifications/resources/updated',
]);

/**
 * A server of the official SDK (`McpServer` of `@modelcontextprotocol/server` 2.x) as `createServer`
 * of a `SessionObject` gives it: `return sdkServer(() => createNotesServer(session))`.
 *
 * A server is made for each message, as the SDK's own HTTP handler does: what lasts is in `session`,
 * which its tools close over.
 *
 * @param create makes a server with all its tools. It is called for each message.
 */
export function sdkServer(create: () => SdkServer): SessionServer {
	// Sound: it has the members that the handlers, the transports and this package use of a server.
	return new SdkSessionServer(create) as unknown as SessionServer;
}

/** What is used of a tmcp server, done by those of the SDK. */
class SdkSessionServer implements Record<
	'changed' | 'hasMethod' | 'on' | 'receive' | 'validateToolCall',
	unknown
> {
	readonly #create: () => SdkServer;
	readonly #report: (error: unknown) => void = createReporter(undefined);
	readonly #listeners = new Map<string, Set<Listener>>();
	/** Who asked, by the id that the question has here, where those of all servers meet. */
	readonly #questions = new Map<number, { exchange: SdkExchange; id: number | string }>();
	#lastQuestion = 0;

	constructor(create: () => SdkServer) {
		this.#create = create;
	}

	on(event: string, listener: Listener): () => void {
		const listeners = this.#listeners.get(event) ?? new Set();
		this.#listeners.set(event, listeners.add(listener));
		return () => void listeners.delete(listener);
	}

	/** @throws {HttpRejection} 400 with -32022, for requests of the revision 2026-07-28. */
	async receive(message: JsonObject, context?: Context): Promise<object | null> {
		if (methodOf(message) === undefined) return this.#answer(message);
		const work = currentContext();
		if (work && isStateless(work.headers, message)) throw sessionBasedOnly(work.headers);
		const server = this.#create();
		const say = (said: JsonObject, exchange: SdkExchange): void =>
			this.#say(said, exchange, context);
		const exchange = await SdkExchange.with(server, context?.sessionId, say, this.#report);
		const { auth, sessionInfo, signal } = context ?? {};
		const { clientCapabilities: capabilities, clientInfo } = sessionInfo ?? {};
		if (methodOf(message) !== 'initialize' && (capabilities ?? clientInfo)) {
			await exchange.ask(greeting(capabilities ?? {}, clientInfo ?? UNKNOWN), NOBODY);
		}
		if (idOf(message) === undefined) {
			exchange.deliver(message, auth);
			return null;
		}
		const response = await exchange.ask(message, { auth, signal });
		this.#forget(exchange);
		return response && this.#remembered(message, response, server);
	}

	hasMethod(method: string): boolean {
		try {
			this.#create().server.assertCanSetRequestHandler(method);
			return false;
		} catch {
			return true;
		}
	}

	/** Of the stateless era, which is not served. */
	async validateToolCall(): Promise<void> {}

	/** Tells all sessions of a change, as tmcp's servers do. */
	changed(what: 'prompts' | 'resource' | 'resources' | 'tools', uri?: string): void {
		const capabilities = this.#create().server.getCapabilities();
		if (what === 'resource') {
			this.#emit('broadcast', { request: change('notifications/resources/updated', { uri }) });
		} else if (capabilities[what]?.listChanged) {
			this.#emit('broadcast', { request: change(`notifications/${what}/list_changed`, {}) });
		}
	}

	#emit(event: string, detail: object): void {
		for (const listener of this.#listeners.get(event) ?? []) listener(detail);
	}

	/** What a server says besides the answer. */
	#say(message: JsonObject, exchange: SdkExchange, context: Context): void {
		const asked = idOf(message);
		if (asked !== undefined) {
			const id = (this.#lastQuestion += 1);
			this.#questions.set(id, { exchange, id: asked });
			return this.#emit('send', { request: { ...message, id } });
		}
		const method = methodOf(message);
		// Of a question, under an id that no client knows.
		if (method === 'notifications/cancelled') return;
		if (CHANGES.has(method)) return this.#emit('broadcast', { request: message });
		if (method === 'notifications/message' && !isWanted(message, context)) return;
		this.#emit('send', { request: message });
	}

	/** Hands an answer to whoever asked. */
	#answer(message: JsonObject): null {
		const asked = this.#questions.get(Number(message.id));
		this.#questions.delete(Number(message.id));
		asked?.exchange.deliver({ ...message, id: asked.id });
		return null;
	}

	/** Nobody waits for the answers to its questions any more. */
	#forget(exchange: SdkExchange): void {
		for (const [id, asked] of this.#questions) {
			if (asked.exchange === exchange) this.#questions.delete(id);
		}
	}

	/** Has the managers keep what the SDK would keep in its server. */
	#remembered(request: JsonObject, response: JsonObject, { server }: SdkServer): JsonObject {
		const params = isObject(request.params) ? request.params : {};
		const method = methodOf(request);
		const isSubscription = method === 'resources/subscribe' || method === 'resources/unsubscribe';
		const canSubscribe = isSubscription && server.getCapabilities().resources?.subscribe === true;
		const isUnhandled = isObject(response.error) && response.error.code === METHOD_NOT_FOUND;
		// The SDK leaves it to its users to keep subscriptions.
		const answer =
			canSubscribe && isUnhandled ? { jsonrpc: '2.0', id: request.id, result: {} } : response;
		if (answer.error !== undefined) return answer;
		if (method === 'initialize') this.#emit('initialize', params);
		if (method === 'logging/setLevel') this.#emit('loglevelchange', params);
		if (isSubscription) {
			const action = method === 'resources/subscribe' ? 'add' : 'remove';
			this.#emit('subscription', { uri: params['uri'], action });
		}
		return answer;
	}
}

const NOBODY = { auth: undefined, signal: undefined };
const UNKNOWN = { name: 'unknown', version: '0' };

/** As its client said it when its session was opened, to a server that was not there then. */
function greeting(capabilities: object, clientInfo: object): JsonObject {
	const params = { protocolVersion: VERSION, capabilities, clientInfo };
	return { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
}

function change(method: string, params: object): JsonObject {
	return { jsonrpc: '2.0', method, params };
}

/** Whether a log line is of the level that its client set, or above. */
function isWanted({ params }: JsonObject, context: Context): boolean {
	const { level } = isObject(params) ? params : {};
	const wanted = context?.sessionInfo?.logLevel ?? 'info';
	return LEVELS.findIndex((each) => each === level) >= LEVELS.indexOf(wanted);
}
