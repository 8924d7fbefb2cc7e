import { acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type {
	InputRequests,
	InputRequiredResult,
	McpServer,
	ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { textResult } from './results.ts';

/** Signs a state that the client carries. */
type Mint = (state: string) => Promise<string>;

const elicit = (message: string, shape: z.ZodRawShape): InputRequests[string] =>
	inputRequired.elicit({ message, requestedSchema: z.object(shape) });
const sample = (text: string): InputRequests[string] =>
	inputRequired.createMessage({
		messages: [{ role: 'user', content: { type: 'text', text } }],
		maxTokens: 100,
	});

const userName = (): InputRequests[string] => elicit('What is your name?', { name: z.string() });
const capital = (): InputRequests[string] => sample('What is the capital of France?');

/** Returns a field of the form that the user accepted. */
function accepted({ mcpReq }: ServerContext, key: string, field: string): string | undefined {
	const value = acceptedContent(mcpReq.inputResponses, key)?.[field];
	return typeof value === 'string' ? value : undefined;
}

/** Adds the tools and the prompt that a client of 2026-07-28 calls again with its input responses. */
export function addInputRequiredFixtures(server: McpServer, mint: Mint): void {
	addSingleRequests(server);
	addRequestsWithState(server, mint);
	server.registerTool(
		'test_input_required_result_capabilities',
		{ description: 'Requests what the client supports' },
		(context) => {
			const { elicitation, sampling } = server.server.getClientCapabilities() ?? {};
			const inputRequests: InputRequests = {
				...(elicitation && { user_name: userName() }),
				...(sampling && { capital_question: capital() }),
			};
			const { inputResponses } = context.mcpReq;
			if (inputResponses || Object.keys(inputRequests).length === 0) {
				return textResult(JSON.stringify(inputResponses ?? {}));
			}
			return inputRequired({ inputRequests });
		},
	);
	server.registerPrompt(
		'test_input_required_result_prompt',
		{ description: 'Elicits the context from the user' },
		(context) => {
			const found = accepted(context, 'user_context', 'context');
			if (found !== undefined) {
				const content = { type: 'text', text: `Context: ${found}` } as const;
				return { messages: [{ role: 'user', content }] };
			}
			const question = 'What context should the prompt use?';
			const inputRequests = { user_context: elicit(question, { context: z.string() }) };
			return inputRequired({ inputRequests });
		},
	);
}

function addSingleRequests(server: McpServer): void {
	for (const name of ['test_input_required_result_elicitation', 'test_streaming_elicitation']) {
		server.registerTool(name, { description: 'Elicits a name from the user' }, (context) => {
			const found = accepted(context, 'user_name', 'name');
			if (found !== undefined) return textResult(`Hello, ${found}!`);
			return inputRequired({ inputRequests: { user_name: userName() } });
		});
	}
	for (const name of ['test_input_required_result_sampling', 'test_missing_capability']) {
		server.registerTool(name, { description: "Samples the client's model" }, ({ mcpReq }) => {
			const found = inputResponse(mcpReq.inputResponses, 'capital_question');
			if (found.kind === 'sampling') return textResult(JSON.stringify(found.result.content));
			return inputRequired({ inputRequests: { capital_question: capital() } });
		});
	}
	server.registerTool(
		'test_input_required_result_list_roots',
		{ description: 'Lists the roots of the client' },
		({ mcpReq }) => {
			const found = inputResponse(mcpReq.inputResponses, 'roots');
			if (found.kind === 'roots') return textResult(`Roots: ${JSON.stringify(found.roots)}`);
			return inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
		},
	);
}

function addRequestsWithState(server: McpServer, mint: Mint): void {
	for (const name of [
		'test_input_required_result_request_state',
		'test_input_required_result_tampered_state',
	]) {
		server.registerTool(
			name,
			{ description: 'Elicits once and keeps request state' },
			async ({ mcpReq }): Promise<ReturnType<typeof textResult> | InputRequiredResult> => {
				if (mcpReq.requestState<string>() === 'asked') return textResult('state-ok');
				if (mcpReq.inputResponses) return textResult('state-missing');
				const inputRequests = { confirm: elicit('Please confirm', { ok: z.boolean() }) };
				return inputRequired({ inputRequests, requestState: await mint('asked') });
			},
		);
	}
	server.registerTool(
		'test_input_required_result_multi_round',
		{ description: 'Elicits twice' },
		async (context): Promise<ReturnType<typeof textResult> | InputRequiredResult> => {
			const name = context.mcpReq.requestState<string>() ?? accepted(context, 'step1', 'name');
			const color = accepted(context, 'step2', 'color');
			if (name === undefined) {
				const step1 = elicit('Step 1: What is your name?', { name: z.string() });
				return inputRequired({ inputRequests: { step1 }, requestState: await mint('') });
			}
			if (color !== undefined) return textResult(`${name} likes ${color}`);
			const given = accepted(context, 'step1', 'name') ?? name;
			const step2 = elicit('Step 2: What is your favorite color?', { color: z.string() });
			return inputRequired({ inputRequests: { step2 }, requestState: await mint(given) });
		},
	);
	server.registerTool(
		'test_input_required_result_multiple_inputs',
		{ description: 'Requests elicitation, sampling and roots together' },
		async (context): Promise<ReturnType<typeof textResult> | InputRequiredResult> => {
			const { inputResponses } = context.mcpReq;
			if (inputResponses) return textResult(JSON.stringify(inputResponses));
			const inputRequests = {
				user_name: userName(),
				greeting: sample('Generate a greeting'),
				roots: inputRequired.listRoots(),
			};
			return inputRequired({ inputRequests, requestState: await mint('asked') });
		},
	);
}
