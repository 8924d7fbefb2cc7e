import { Refusal, refusalDetailOf, refusalResponse } from '../request/http-rejection.ts';
import type { RequestWork } from '../request/request-context.ts';

/** The answer to a request, or what its client is told where there is none. Never rejects. */
export async function answerOrRefusal(
	work: RequestWork,
	respond: () => Promise<Response>,
): Promise<Response> {
	try {
		return await respond();
	} catch (error) {
		// A refusal is for its client alone: nothing is wrong here.
		if (!(error instanceof Refusal)) work.report(error);
		// Once the server has the message, it says itself when it is through.
		if (!work.hasBegun) work.finish();
		return refusalResponse(refusalDetailOf(error), work.messageId ?? null);
	}
}
