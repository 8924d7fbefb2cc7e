import { errorMessage, HttpRejection, rejectionDetailOf } from '../request/http-rejection.ts';
import type { PlainAnswer } from './answer.ts';

/**
 * Creates the answer to a request that failed. A rejection is for its client only; every other error
 * is reported.
 *
 * @param id of the request, null if it is unknown.
 */
export function rejectionAnswer(
	error: unknown,
	id: string | number | null,
	report: (error: unknown) => void,
): PlainAnswer {
	if (!(error instanceof HttpRejection)) report(error);
	const detail = rejectionDetailOf(error);
	const { status, headers } = detail;
	return {
		status,
		headers: { 'content-type': 'application/json', ...headers },
		body: JSON.stringify(errorMessage(detail, id)),
	};
}
