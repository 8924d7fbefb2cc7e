import { keepsSessions } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { McpClient } from '../mcp-client.ts';
import {
	endSession,
	initialize,
	sessionMessage,
	sessionToolCall,
	statelessToolCall,
} from '../mcp-requests.ts';
import type { McpRequest } from '../mcp-requests.ts';
import type { LoadStep } from './load.ts';
import { works } from './works.ts';
import type { WorkName } from './works.ts';

/** How many calls the session has that is measured from start to end. */
const CALLS_OF_A_SESSION = 10;
/** In the answer to `add`, from every contender alike. */
const SUM = '"text":"3"';

/** What each connection sends, again and again. Opens the sessions that it takes. */
export async function stepsOf(
	name: WorkName,
	contender: Contender,
	url: string,
): Promise<LoadStep[][]> {
	const { kind, connections } = works[name];
	const each = async (): Promise<LoadStep[]> => {
		if (kind === 'stateless call') {
			return [{ request: statelessToolCall('add', { a: 1, b: 2 }), expected: SUM }];
		}
		if (kind === 'initialize') return [{ request: initialize(), expected: '"serverInfo"' }];
		if (kind === 'session') return wholeSession(contender);
		const session = keepsSessions(contender) ? await new McpClient(url).open() : '';
		return [{ request: ofSession(sessionToolCall(session)), expected: SUM }];
	};
	const steps: LoadStep[][] = [];
	while (steps.length < connections) steps.push(await each());
	return steps;
}

/** From `initialize` to DELETE; whoever has no sessions gets neither an id nor a DELETE. */
function wholeSession(contender: Contender): LoadStep[] {
	const hasSession = keepsSessions(contender);
	const within = (request: McpRequest, expected = ''): LoadStep => ({
		request: ofSession(request),
		expected,
		...(hasSession && { inSession: true }),
	});
	return [
		{ request: initialize(), expected: '"serverInfo"' },
		within(sessionMessage('', { method: 'notifications/initialized' })),
		...Array.from({ length: CALLS_OF_A_SESSION }, () => within(sessionToolCall(''), SUM)),
		...(hasSession ? [within(endSession(''))] : []),
	];
}

/** Without a header for the session where there is none, or none yet. */
function ofSession(request: McpRequest): McpRequest {
	const { 'mcp-session-id': session, ...headers } = request.headers;
	return session === '' ? { ...request, headers } : request;
}
