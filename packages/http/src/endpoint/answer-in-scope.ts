import { runInScope } from '@tmcp-sessions/core/internal';

import type { RequestContext } from '../request/request-context.ts';
import type { Answer } from '../response/answer.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';

/** Answers in the scope of a request. An error becomes its rejection. */
export async function answerInScope(
	context: RequestContext,
	answer: () => Promise<Answer>,
): Promise<Answer> {
	try {
		return await runInScope(context, answer);
	} catch (error) {
		const { messageId, progress } = context;
		// Once the server has the message, it marks the end itself.
		if (!progress.hasBegun) progress.markHandled();
		return rejectionAnswer(error, messageId ?? null, (reason) => context.report(reason));
	}
}
