import { env } from 'cloudflare:workers';
import { sumAnswer } from '../mcp-requests.ts';
import { answerWith } from './constant-answer.ts';

/** The limit of whatever reads one record of a session. */
export default {
	async fetch(request: Request): Promise<Response> {
		await env.TMCP_SESSION_INFO.get(request.headers.get('mcp-session-id') ?? 'none');
		return answerWith(sumAnswer);
	},
};
