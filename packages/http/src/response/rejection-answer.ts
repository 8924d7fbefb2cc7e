import { toJsonLine } from '@tmcp-sessions/core/backend';

import { errorMessage, HttpRejection, rejectionOf } from '../request/http-rejection.ts';
import type { PlainAnswer } from './answer.ts';

/**
 * Creates the answer to a request that failed. A rejection is for its client only; every other error
 * is reported.
 *
 * @param id of the request, if it has one.
 */
export function rejectionAnswer(
	error: unknown,
	report: (error: unknown) => void,
	id?: string | number,
): PlainAnswer {
	if (!(error instanceof HttpRejection)) report(error);
	const { status, extras } = rejectionOf(error);
	return {
		status,
		headers: { 'content-type': 'application/json', ...extras?.headers },
		body: toJsonLine(errorMessage(error, id)),
	};
}
