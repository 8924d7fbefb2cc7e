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
 * Tools and a prompt that a client of 2026-07-28 calls again with the answers to their questions,
 * perhaps in another isolate. The keys of the questions are those that the scenarios look for.
 */
export function addInputRequiredFixtures(server: ConformanceServer): void {
	addSingleQuestions(server);
	addQuestionsWithState(server);
	addCapabilityTools(server);

	server.prompt(
		{
			name: 'test_input_required_result_prompt',
			description: 'Asks the user for its context',
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

function addSingleQuestions(server: ConformanceServer): void {
	for (const name of ['test_input_required_result_elicitation', 'test_streaming_elicitation']) {
		server.tool({ name, description: 'Asks the user for a name', replayable: true }, async () => {
			const { content } = await server.elicitation('What is your name?', Name, {
				key: 'user_name',
			});
			return tool.text(`Hello, ${content?.name ?? 'stranger'}!`);
		});
	}
	for (const name of ['test_input_required_result_sampling', 'test_missing_capability']) {
		server.tool({ name, description: "Asks the client's model", replayable: true }, async () => {
			const { content } = await server.message(CAPITAL_OF_FRANCE, { key: 'capital_question' });
			return tool.text(JSON.stringify(content));
		});
	}
	server.tool(
		{
			name: 'test_input_required_result_list_roots',
			description: 'Names the roots of the client',
			replayable: true,
		},
		async () => {
			await server.refreshRoots();
			return tool.text(`Roots: ${JSON.stringify(server.roots)}`);
		},
	);
}

function addQuestionsWithState(server: ConformanceServer): void {
	for (const name of [
		'test_input_required_result_request_state',
		'test_input_required_result_tampered_state',
	]) {
		server.tool(
			{ name, description: 'Asks and remembers that it asked', replayable: true },
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
			description: 'Asks twice',
			replayable: true,
		},
		async () => {
			// From the second round on it holds the first answer too.
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
			description: 'Asks the user, the model and for the roots at once',
			replayable: true,
		},
		async () => {
			server.setRequestState('asked');
			const [person, greeting] = await Promise.all([
				server.elicitation('What is your name?', Name, { key: 'user_name' }),
				server.message(
					{
						messages: [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }],
						maxTokens: 50,
					},
					{ key: 'greeting' },
				),
				server.refreshRoots(),
			]);
			const roots = server.roots.map(({ uri }) => uri).join(', ');
			return tool.text(
				`${JSON.stringify(greeting.content)} ${person.content?.name ?? '?'} at ${roots}`,
			);
		},
	);
}

/** Tools that depend on what the client can do. */
function addCapabilityTools(server: ConformanceServer): void {
	server.tool(
		{
			name: 'test_input_required_result_capabilities',
			description: 'Asks for what the client can answer',
			replayable: true,
		},
		async () => {
			const { elicitation, sampling } = server.ctx.sessionInfo?.clientCapabilities ?? {};
			const answers = await Promise.all([
				elicitation && server.elicitation('What is your name?', Name, { key: 'user_name' }),
				sampling && server.message(CAPITAL_OF_FRANCE, { key: 'capital_question' }),
			]);
			return tool.text(JSON.stringify(answers));
		},
	);
}
