import { toJsonLine } from '@tmcp-sessions/core/backend';

import {
	errorMessage,
	explainMistake,
	HttpRejection,
	isMistake,
	rejectionOf,
} from '../request/http-rejection.ts';
import type { PlainAnswer } from './answer.ts';

/**
 * Creates the answer to a request that failed. A rejection is for its client only; every other error
 * is reported.
 *
 * @param id of the request, if it has one.
 * @param request the request, if it came over HTTP: one to this machine is told which mistake of the
 * deployment made it fail.
 */
export function rejectionAnswer(
	error: unknown,
	report: (error: unknown) => void,
	id?: string | number,
	request?: Request,
): PlainAnswer {
	if (!(error instanceof HttpRejection)) report(error);
	const rejection = (request && explainMistake(error, request.url)) ?? rejectionOf(error);
	const { status, extras } = rejection;
	return {
		status,
		headers: { 'content-type': 'application/json', ...extras?.headers },
		body: toJsonLine(errorMessage(rejection, id)),
		...(!request && isMistake(error) && { mistake: error.message }),
	};
}
