import { requestRoots } from '@tmcp-sessions/http';
import { prompt, tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { ConformanceServer } from './conformance-server.ts';

const Name = v.object({ name: v.string() });
const Color = v.object({ color: v.string() });
const Context = v.object({ context: v.string() });
const Confirmation = v.object({ ok: v.boolean() });

const CAPITAL_OF_FRANCE = {
	messages: [
		{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } } as const,
	],
	maxTokens: 100,
};

/**
 * Adds tools and a prompt that a 2026-07-28 client calls again with its input responses, possibly on
 * another isolate. The scenarios expect these keys of the input requests.
 */
export function addInputRequiredFixtures(server: ConformanceServer): void {
	addSingleRequests(server);
	addRequestsWithState(server);
	addCapabilityTools(server);

	server.prompt(
		{
			name: 'test_input_required_result_prompt',
			description: 'Elicits the context from the user',
			replayable: true,
		},
		async () => {
			const { content } = await server.elicitation('What context should the prompt use?', Context, {
				key: 'user_context',
			});
			return prompt.message(`Context: ${content?.context ?? 'none'}`);
		},
	);
}

function addSingleRequests(server: ConformanceServer): void {
	for (const name of ['test_input_required_result_elicitation', 'test_streaming_elicitation']) {
		server.tool(
			{ name, description: 'Elicits a name from the user', replayable: true },
			async () => {
				const { content } = await server.elicitation('What is your name?', Name, {
					key: 'user_name',
				});
				return tool.text(`Hello, ${content?.name ?? 'stranger'}!`);
			},
		);
	}
	for (const name of ['test_input_required_result_sampling', 'test_missing_capability']) {
		server.tool({ name, description: "Samples the client's model", replayable: true }, async () => {
			const { content } = await server.message(CAPITAL_OF_FRANCE, { key: 'capital_question' });
			return tool.text(JSON.stringify(content));
		});
	}
	server.tool(
		{
			name: 'test_input_required_result_list_roots',
			description: 'Lists the roots of the client',
			replayable: true,
		},
		async () => {
			return tool.text(`Roots: ${JSON.stringify(await requestRoots('roots'))}`);
		},
	);
}

function addRequestsWithState(server: ConformanceServer): void {
	for (const name of [
		'test_input_required_result_request_state',
		'test_input_required_result_tampered_state',
	]) {
		server.tool(
			{ name, description: 'Elicits once and keeps request state', replayable: true },
			async () => {
				const { requestState } = server.ctx;
				server.setRequestState('asked');
				await server.elicitation('Please confirm', Confirmation, { key: 'confirm' });
				return tool.text(requestState === 'asked' ? 'state-ok' : 'state-missing');
			},
		);
	}
	server.tool(
		{
			name: 'test_input_required_result_multi_round',
			description: 'Elicits twice',
			replayable: true,
		},
		async () => {
			// From the second round on the request state also holds the first response.
			server.setRequestState('asked');
			const first = await server.elicitation('Step 1: What is your name?', Name, { key: 'step1' });
			const second = await server.elicitation('Step 2: What is your favorite color?', Color, {
				key: 'step2',
			});
			return tool.text(`${first.content?.name ?? '?'} likes ${second.content?.color ?? '?'}`);
		},
	);
	server.tool(
		{
			name: 'test_input_required_result_multiple_inputs',
			description: 'Requests elicitation, sampling and roots together',
			replayable: true,
		},
		async () => {
			server.setRequestState('asked');
			const [person, greeting, roots] = await Promise.all([
				server.elicitation('What is your name?', Name, { key: 'user_name' }),
				server.message(
					{
						messages: [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }],
						maxTokens: 50,
					},
					{ key: 'greeting' },
				),
				requestRoots('roots'),
			]);
			const uris = roots.map(({ uri }) => uri).join(', ');
			return tool.text(
				`${JSON.stringify(greeting.content)} ${person.content?.name ?? '?'} at ${uris}`,
			);
		},
	);
}

/** Adds the tool whose requests depend on the client's capabilities. */
function addCapabilityTools(server: ConformanceServer): void {
	server.tool(
		{
			name: 'test_input_required_result_capabilities',
			description: 'Requests what the client supports',
			replayable: true,
		},
		async () => {
			const { elicitation, sampling } = server.ctx.sessionInfo?.clientCapabilities ?? {};
			const responses = await Promise.all([
				elicitation && server.elicitation('What is your name?', Name, { key: 'user_name' }),
				sampling && server.message(CAPITAL_OF_FRANCE, { key: 'capital_question' }),
			]);
			return tool.text(JSON.stringify(responses));
		},
	);
}
