import { contenders } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import type { LoadStep } from './load.ts';
import { McpClient } from './mcp-client.ts';
import {
	endSession,
	initialize,
	sessionMessage,
	sessionToolCall,
	statelessToolCall,
} from './mcp-requests.ts';
import type { McpRequest } from './mcp-requests.ts';

/** What a connection sends again and again. */
export type Workload = 'call' | 'stateless call' | 'initialize' | 'session';

/** The number of calls of a whole session. */
const SESSION_CALLS = 10;
/** Part of every contender's response to a call of `add`. */
const SUM = '"text":"3"';

/** Creates the steps of each connection, and opens the sessions that they need. */
export async function workloadSteps(
	workload: Workload,
	connections: number,
	contender: Contender,
	url: string,
): Promise<LoadStep[][]> {
	const steps: LoadStep[][] = [];
	while (steps.length < connections) steps.push(await stepsOf(workload, contender, url));
	return steps;
}

async function stepsOf(workload: Workload, contender: Contender, url: string): Promise<LoadStep[]> {
	const { hasSessions } = contenders[contender];
	if (workload === 'stateless call') {
		return [{ request: statelessToolCall('add', { a: 1, b: 2 }), expected: SUM }];
	}
	if (workload === 'initialize') return [{ request: initialize(), expected: '"serverInfo"' }];
	if (workload === 'session') return wholeSession(hasSessions);
	return [callStep(hasSessions ? await new McpClient(url).open() : '')];
}

/** Creates a tool call of a session. */
export function callStep(session: string): LoadStep {
	return { request: withoutEmptySession(sessionToolCall(session)), expected: SUM };
}

/** From `initialize` to DELETE. A contender without sessions gets neither an id nor a DELETE. */
function wholeSession(hasSessions: boolean): LoadStep[] {
	const within = (request: McpRequest, expected = ''): LoadStep => ({
		request: withoutEmptySession(request),
		expected,
		...(hasSessions && { inSession: true }),
	});
	return [
		{ request: initialize(), expected: '"serverInfo"' },
		within(sessionMessage('', { method: 'notifications/initialized' })),
		...Array.from({ length: SESSION_CALLS }, () => within(sessionToolCall(''), SUM)),
		...(hasSessions ? [within(endSession(''))] : []),
	];
}

/** Removes the session header if there is no session, or none yet. */
function withoutEmptySession(request: McpRequest): McpRequest {
	const { 'mcp-session-id': session, ...headers } = request.headers;
	return session === '' ? { ...request, headers } : request;
}
