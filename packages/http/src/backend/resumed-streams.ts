import {
	closeStream,
	isCallStream,
	messageFrame,
	parseEventId,
	withEventId,
} from '@tmcp-sessions/core/backend';
import type { EventPosition } from '@tmcp-sessions/core/backend';
import { isStreamOpen, LAST_SEQUENCE, requestIdOfCall } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';

import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { errorMessage, HttpRejection } from '../request/http-rejection.ts';
import { currentContext } from '../request/request-context.ts';
import type { RequestContext } from '../request/request-context.ts';
import { sendToSessions } from './one-broadcast.ts';
import { withOverrides } from './with-overrides.ts';

/** The second check follows soon: the call may have been reconnecting at the first. */
const SECOND_CHECK_MS = 1_000;
const CHECK_MS = 5_000;

const LOST =
	'The call was interrupted, for instance by a deployment, or its response is no longer stored: call again';

const encoder = new TextEncoder();

/**
 * Returns the stream manager for the transport. It tells the isolate of a call when the client has
 * resumed the stream. If the call is lost, the stream ends with an error for its request, since its
 * client would wait forever. Sends to sessions flush the deferred sends to subscriptions.
 */
export function endResumedCalls(
	streams: StreamSessionManager,
	calls: InFlightCalls,
): StreamSessionManager {
	const create: StreamSessionManager['create'] = async (session, controller) => {
		const context = currentContext();
		const position = parseEventId(context?.lastEventId ?? '');
		if (!context || !position || !isCallStream(position.stream)) {
			const listening = context?.progress.startListening(controller);
			return streams.create(session, listening ?? controller);
		}
		if (position.sequence === LAST_SEQUENCE) return closeStream(controller);
		await streams.create(session, controller);
		const isLost = async (): Promise<boolean> => !(await calls.resume(session, position.stream));
		const end = (): void => {
			endLostCall(controller, position);
			// The manager holds the stream until it is deleted, as it is when a client disconnects.
			context.waitUntil((async () => streams.delete(session))());
		};
		await watchCall(context, controller, isLost, end);
	};
	const send: StreamSessionManager['send'] = (sessions, data) =>
		sendToSessions(() => streams.send(sessions, data));
	return withOverrides(streams, { create, send });
}

/**
 * Checks now and then, while the stream of a resumed call is open, whether the call is lost.
 *
 * @returns after the first check, so that the stream of a lost call begins with the error.
 */
async function watchCall(
	context: RequestContext,
	controller: ReadableStreamDefaultController,
	isLost: () => Promise<boolean>,
	end: () => void,
): Promise<void> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let hasFailed = false;
	const checkIn = (ms: number): void => {
		timer = setTimeout(() => context.waitUntil(check()), ms);
	};
	const check = async (nextMs = CHECK_MS): Promise<void> => {
		if (!isStreamOpen(controller)) return;
		try {
			if (await isLost()) return end();
		} catch (error) {
			// Nothing is known of the call while its object cannot be reached.
			if (!hasFailed) context.report(error);
			hasFailed = true;
		}
		if (isStreamOpen(controller)) checkIn(nextMs);
	};
	context.progress.onClientLeft(() => clearTimeout(timer));
	await check(SECOND_CHECK_MS);
}

/** Ends the stream of a lost call with an error for the request that its name holds. */
function endLostCall(controller: ReadableStreamDefaultController, { stream }: EventPosition): void {
	const id = requestIdOfCall(stream);
	if (id !== undefined && isStreamOpen(controller)) {
		const error = errorMessage(new HttpRejection(200, -32001, LOST), id);
		const position = { stream, sequence: LAST_SEQUENCE };
		controller.enqueue(encoder.encode(withEventId(position, messageFrame(error))));
	}
	closeStream(controller);
}
