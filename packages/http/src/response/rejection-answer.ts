import { TmcpSessionsError } from '@tmcp-sessions/core';
import { toJsonLine } from '@tmcp-sessions/core/backend';
import { channels } from '@tmcp-sessions/core/internal';

import {
	errorMessage,
	explainError,
	isForClient,
	isMistake,
	rejectionOf,
} from '../request/http-rejection.ts';
import type { PlainAnswer } from './answer.ts';

/**
 * Creates the answer to a request that failed, and reports the error unless it concerns the client only.
 * Publishes a `RejectionEvent`.
 *
 * @param id of the request, if it has one.
 * @param request the request, if it came over HTTP: the answer to one to this machine says why it failed.
 */
export function rejectionAnswer(
	error: unknown,
	report: (error: unknown) => void,
	id?: string | number,
	request?: Request,
): PlainAnswer {
	if (!isForClient(error)) report(error);
	const rejection = (request && explainError(error, request)) ?? rejectionOf(error);
	const { status, extras } = rejection;
	if (channels.rejection.hasSubscribers) {
		const cause = error instanceof TmcpSessionsError ? error.code : undefined;
		channels.rejection.publish({ status, errorCode: rejection.code, cause });
	}
	return {
		status,
		headers: { 'content-type': 'application/json', ...extras?.headers },
		body: toJsonLine(errorMessage(rejection, id)),
		...(!request && isMistake(error) && { mistake: error.message }),
	};
}
