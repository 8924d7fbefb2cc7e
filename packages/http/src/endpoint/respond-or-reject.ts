import { HttpRejection, rejectionDetailOf, rejectionResponse } from '../request/http-rejection.ts';
import type { RequestContext } from '../request/request-context.ts';

/** The answer to a request, or what its client is told where there is none. Never rejects. */
export async function respondOrReject(
	work: RequestContext,
	respond: () => Promise<Response>,
): Promise<Response> {
	try {
		return await respond();
	} catch (error) {
		// A refusal is for its client alone: nothing is wrong here.
		if (!(error instanceof HttpRejection)) work.report(error);
		// Once the server has the message, it says itself when it is through.
		if (!work.hasBegun) work.finish();
		return rejectionResponse(rejectionDetailOf(error), work.messageId ?? null);
	}
}
