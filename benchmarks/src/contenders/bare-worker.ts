import { constantAnswer, openedSession } from './constant-answer.ts';

/** The limit: what workerd does with a Worker that does nothing. */
export default {
	fetch(request: Request): Response {
		if (!request.headers.has('mcp-session-id')) return openedSession(crypto.randomUUID());
		return constantAnswer();
	},
};
