import { CallProgress } from '../calls/call-progress.ts';
import { echoedIdOf } from '../request/json-rpc.ts';
import { RequestContext } from '../request/request-context.ts';
import type { RequestDetails, RequestOrigin } from '../request/request-context.ts';
import type { Answer } from '../response/answer.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';

/**
 * Answers in the scope of a request. An error becomes its rejection.
 *
 * @param owner the registry of the calls that the request may add one to.
 */
export async function answerInScope(
	owner: object,
	origin: RequestOrigin,
	details: RequestDetails,
	answer: (context: RequestContext) => Promise<Answer>,
): Promise<Answer> {
	const progress = new CallProgress(owner);
	const context = new RequestContext(origin, details, progress);
	try {
		return await context.run(() => answer(context));
	} catch (error) {
		// Once the server has the message, it marks the end itself.
		if (!progress.hasBegun) progress.markHandled();
		const report = (reason: unknown): void => context.report(reason);
		const { message, messageId = echoedIdOf(message) } = details;
		return rejectionAnswer(error, report, messageId, origin.request);
	}
}
