import type { SessionInfo } from '@tmcp-sessions/core/backend';
import { channels } from '@tmcp-sessions/core/internal';

import type { MessageServer, ServerInput } from '../endpoint/message-server.ts';
import { methodOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { MessageObservation } from './message-observation.ts';
import type { HandlerTelemetry } from './options.ts';

/**
 * Observes the messages that a server handles. Without telemetry and without a subscriber of
 * `tmcp-sessions:request`, it adds no promise.
 */
export class ObservedServer<Custom> implements MessageServer<Custom> {
	readonly statelessRevisions: readonly string[];
	readonly #server: MessageServer<Custom>;
	readonly #telemetry: HandlerTelemetry | undefined;
	/** Messages that `respond` takes over. */
	readonly #lasting = new WeakMap<RequestContext, MessageObservation>();

	constructor(server: MessageServer<Custom>, telemetry: HandlerTelemetry | undefined) {
		this.statelessRevisions = server.statelessRevisions;
		this.#server = server;
		this.#telemetry = telemetry;
	}

	answerDirectly(
		context: RequestContext,
		custom: Custom | undefined,
		info: SessionInfo | undefined,
	): Promise<JsonObject | undefined> | undefined {
		const server = this.#server;
		// Hot path: without an observer, no closure is created.
		if (!this.#isObserved()) return server.answerDirectly(context, custom, info);
		return this.#observeAnswer(() => server.answerDirectly(context, custom, info), context);
	}

	respond(context: RequestContext, input: ServerInput<Custom>): Promise<Response> {
		const server = this.#server;
		// A GET and a DELETE have no message.
		const isObserved = this.#isObserved() && methodOf(context.message) !== undefined;
		if (!isObserved) return server.respond(context, input);
		return this.#observeResponse(() => server.respond(context, input), context);
	}

	#isObserved(): boolean {
		return this.#telemetry !== undefined || channels.request.hasSubscribers;
	}

	async #observeAnswer(
		answer: () => Promise<JsonObject | undefined> | undefined,
		context: RequestContext,
	): Promise<JsonObject | undefined> {
		const observation = new MessageObservation(context, this.#telemetry);
		try {
			const response = await observation.run(answer);
			if (response) observation.end(response);
			else this.#lasting.set(context, observation);
			return response;
		} catch (error) {
			observation.fail(error);
			throw error;
		}
	}

	async #observeResponse(
		respond: () => Promise<Response>,
		context: RequestContext,
	): Promise<Response> {
		const begun = this.#lasting.get(context);
		const observation = begun ?? new MessageObservation(context, this.#telemetry);
		try {
			const response = await observation.run(respond);
			if (response.status >= 400) observation.reject();
			else if (context.isListening) observation.end(undefined);
			else context.waitUntil(endWhenHandled(context, observation));
			return response;
		} catch (error) {
			observation.fail(error);
			throw error;
		}
	}
}

async function endWhenHandled(
	{ progress }: RequestContext,
	observation: MessageObservation,
): Promise<void> {
	await progress.handled;
	observation.end(progress.response ?? progress.answered);
}
