import { channels } from '@tmcp-sessions/core/internal';

import type { MessageServer } from '../endpoint/message-server.ts';
import { methodOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { MessageObservation } from './message-observation.ts';
import type { HandlerTelemetry } from './options.ts';

/**
 * Observes the messages that a server handles. Without telemetry and without a subscriber of
 * `tmcp-sessions:request`, it adds no promise.
 */
export function observeServer<Custom>(
	server: MessageServer<Custom>,
	telemetry: HandlerTelemetry | undefined,
): MessageServer<Custom> {
	/** Messages that `respond` takes over. */
	const lasting = new WeakMap<RequestContext, MessageObservation>();
	const isObserved = (): boolean => telemetry !== undefined || channels.request.hasSubscribers;

	const observeDirectly = async (
		answer: () => Promise<JsonObject | undefined> | undefined,
		context: RequestContext,
	): Promise<JsonObject | undefined> => {
		const observation = new MessageObservation(context, telemetry);
		try {
			const response = await observation.run(answer);
			if (response) observation.end(response);
			else lasting.set(context, observation);
			return response;
		} catch (error) {
			observation.fail(error);
			throw error;
		}
	};

	const observeResponse = async (
		respond: () => Promise<Response>,
		context: RequestContext,
	): Promise<Response> => {
		const observation = lasting.get(context) ?? new MessageObservation(context, telemetry);
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
	};

	return {
		statelessRevisions: server.statelessRevisions,
		answerDirectly(context, custom, info) {
			const answer = (): Promise<JsonObject | undefined> | undefined =>
				server.answerDirectly(context, custom, info);
			return isObserved() ? observeDirectly(answer, context) : answer();
		},
		respond(context, input) {
			const respond = (): Promise<Response> => server.respond(context, input);
			// A GET and a DELETE have no message.
			const observes = isObserved() && methodOf(context.message) !== undefined;
			return observes ? observeResponse(respond, context) : respond();
		},
	};
}

async function endWhenHandled(
	{ progress }: RequestContext,
	observation: MessageObservation,
): Promise<void> {
	await progress.handled;
	observation.end(progress.response ?? progress.answered);
}
