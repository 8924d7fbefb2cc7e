import { completable } from '@modelcontextprotocol/server';
import type { GetPromptResult, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { RED_PIXEL_PNG } from '../media.ts';

type Content = GetPromptResult['messages'][number]['content'];

const says = (...contents: Content[]): GetPromptResult => ({
	messages: contents.map((content) => ({ role: 'user', content })),
});
const text = (value: string): Content => ({ type: 'text', text: value });

const twoArguments = z.object({
	arg1: completable(z.string().describe('First test argument'), (prefix) =>
		['test', 'testing', 'trial'].filter((word) => word.startsWith(prefix)),
	),
	arg2: z.string().describe('Second test argument'),
});
const embedded = z.object({ resourceUri: z.string().describe('URI of the resource to embed') });

/** Adds prompts with and without arguments; one argument has completions. */
export function addPrompts(server: McpServer): void {
	server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments' }, () =>
		says(text('This is a simple prompt for testing.')),
	);
	server.registerPrompt(
		'test_prompt_with_arguments',
		{ description: 'A prompt with two arguments', argsSchema: twoArguments },
		({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
	);
	server.registerPrompt(
		'test_prompt_with_embedded_resource',
		{ description: 'A prompt with an embedded resource', argsSchema: embedded },
		({ resourceUri: uri }) =>
			says(
				{
					type: 'resource',
					resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
				},
				text('Please process the embedded resource above.'),
			),
	);
	server.registerPrompt('test_prompt_with_image', { description: 'A prompt with an image' }, () =>
		says(
			{ type: 'image', data: RED_PIXEL_PNG, mimeType: 'image/png' },
			text('Please analyze the image above.'),
		),
	);
}
