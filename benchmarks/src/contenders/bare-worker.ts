import { sumAnswer } from '../mcp-requests.ts';
import { answerWith } from './constant-answer.ts';

/** The limit: what workerd does with a Worker that does nothing. */
export default { fetch: (): Response => answerWith(sumAnswer) };
