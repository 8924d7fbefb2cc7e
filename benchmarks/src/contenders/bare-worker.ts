import { constantAnswer, isCall, openedSession } from './constant-answer.ts';

/** The limit: what workerd does with a Worker that does nothing. */
export default {
	fetch(request: Request): Response {
		if (!isCall(request)) return openedSession(crypto.randomUUID());
		return constantAnswer();
	},
};
