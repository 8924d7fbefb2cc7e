import { complete, prompt } from 'tmcp/utils';
import * as v from 'valibot';
import type { ConformanceServer } from './conformance-server.ts';
import { RED_PIXEL_PNG } from './media.ts';

/** Adds prompts with and without arguments; one argument has completions. */
export function addPrompts(server: ConformanceServer): void {
	server.prompt({ name: 'test_simple_prompt', description: 'A prompt without arguments' }, () =>
		prompt.message('This is a simple prompt for testing.'),
	);
	server.prompt(
		{
			name: 'test_prompt_with_arguments',
			description: 'A prompt with two arguments',
			schema: v.object({
				arg1: v.pipe(v.string(), v.description('First test argument')),
				arg2: v.pipe(v.string(), v.description('Second test argument')),
			}),
			complete: {
				arg1: (prefix) =>
					complete.values(['test', 'testing', 'trial'].filter((word) => word.startsWith(prefix))),
			},
		},
		({ arg1, arg2 }) => prompt.message(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
	);
	server.prompt(
		{
			name: 'test_prompt_with_embedded_resource',
			description: 'A prompt with an embedded resource',
			schema: v.object({
				resourceUri: v.pipe(v.string(), v.description('URI of the resource to embed')),
			}),
		},
		({ resourceUri }) =>
			prompt.mix([
				prompt.resource({
					uri: resourceUri,
					mimeType: 'text/plain',
					text: 'Embedded resource content for testing.',
				}),
				prompt.message('Please process the embedded resource above.'),
			]),
	);
	server.prompt({ name: 'test_prompt_with_image', description: 'A prompt with an image' }, () =>
		prompt.mix([
			prompt.media('image', RED_PIXEL_PNG, 'image/png'),
			prompt.message('Please analyze the image above.'),
		]),
	);
}
