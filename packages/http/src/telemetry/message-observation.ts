import type { RequestEvent } from '@tmcp-sessions/core';
import { channels } from '@tmcp-sessions/core/internal';

import { rejectionOf } from '../request/http-rejection.ts';
import { isObject, metadataOf, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { HandlerTelemetry, MessageObserver, ObservedMessage } from './options.ts';

/** The methods that clients send, of all revisions. Another one would be a label that a client chooses. */
const METHODS: ReadonlySet<string> = new Set([
	'completion/complete',
	'initialize',
	'logging/setLevel',
	'notifications/cancelled',
	'notifications/elicitation/complete',
	'notifications/initialized',
	'notifications/progress',
	'notifications/roots/list_changed',
	'notifications/tasks/status',
	'ping',
	'prompts/get',
	'prompts/list',
	'resources/list',
	'resources/read',
	'resources/subscribe',
	'resources/templates/list',
	'resources/unsubscribe',
	'server/discover',
	'subscriptions/listen',
	'tasks/cancel',
	'tasks/get',
	'tasks/list',
	'tasks/result',
	'tasks/update',
	'tools/call',
	'tools/list',
]);
/** Requests whose `params.name` names what the server runs. */
const NAMED: ReadonlySet<string> = new Set(['prompts/get', 'tools/call']);
const INVALID_PARAMS = -32602;

type Outcome = Pick<RequestEvent, 'errorCode' | 'outcome'>;

/** Measures how a server handles one message, and publishes a `RequestEvent` afterwards. */
export class MessageObservation {
	readonly #message: ObservedMessage;
	readonly #observer: MessageObserver | undefined;
	readonly #startMs: number = performance.now();
	#hasEnded = false;

	constructor(context: RequestContext, telemetry: HandlerTelemetry | undefined) {
		this.#message = observedMessage(context);
		this.#observer = telemetry?.startMessage(this.#message);
	}

	/** Runs a part of the handling. */
	run<Result>(handle: () => Result): Result {
		return this.#observer ? this.#observer.run(handle) : handle();
	}

	/** @param response of the server; undefined if the message gets none, or one that is not known. */
	end(response: unknown): void {
		this.#end(outcomeOf(response));
	}

	/** Ends with an error response whose code is not known. */
	reject(): void {
		this.#end({ outcome: 'error' });
	}

	/** @param error why the message was not handled. */
	fail(error: unknown): void {
		this.#end({ outcome: 'error', errorCode: rejectionOf(error).code });
	}

	#end({ errorCode, outcome }: Outcome): void {
		if (this.#hasEnded) return;
		this.#hasEnded = true;
		const { era, method, name, protocolVersion } = this.#message;
		const event: RequestEvent = {
			method,
			// An unknown name would be a label that a client chooses.
			name: errorCode === INVALID_PARAMS ? undefined : name,
			era,
			protocolVersion,
			durationMs: performance.now() - this.#startMs,
			outcome,
			errorCode,
		};
		this.#observer?.end(event);
		if (channels.request.hasSubscribers) channels.request.publish(event);
	}
}

function observedMessage({
	isStateless,
	message,
	messageId,
	protocolVersion,
}: RequestContext): ObservedMessage {
	const method = methodOf(message) ?? '';
	const { name } = paramsOf(message) as { name?: unknown };
	return {
		method: METHODS.has(method) ? method : '_OTHER',
		name: NAMED.has(method) && typeof name === 'string' ? name : undefined,
		era: isStateless ? 'stateless' : 'session-based',
		protocolVersion,
		isRequest: messageId !== undefined,
		metadata: metadataOf(message) ?? {},
	};
}

function outcomeOf(response: unknown): Outcome {
	if (!isObject(response)) return { outcome: 'ok' };
	const { error, result } = response;
	if (isObject(error)) {
		return {
			outcome: 'error',
			errorCode: typeof error.code === 'number' ? error.code : undefined,
		};
	}
	return { outcome: isObject(result) && result['isError'] === true ? 'tool-error' : 'ok' };
}
