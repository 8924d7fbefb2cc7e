import { fromJsonSchema } from '@modelcontextprotocol/server';
import type { McpServer } from '@modelcontextprotocol/server';
import { CONTACT_JSON_SCHEMA } from '../contact-schema.ts';
import { RED_PIXEL_PNG, SILENCE_WAV } from '../media.ts';
import { textResult } from './results.ts';

const contact = fromJsonSchema<{ name?: string }>(CONTACT_JSON_SCHEMA);
const REGION = { type: 'string', 'x-mcp-header': 'Region' } as const;
const inRegion = fromJsonSchema<{ region?: string }>({
	type: 'object',
	properties: { region: REGION },
});

/** Adds tools that return immediately: one for each kind of content, and those whose schemas are inspected. */
export function addContentTools(server: McpServer): void {
	server.registerTool('test_simple_text', { description: 'Returns a text' }, () =>
		textResult('This is a simple text response for testing.'),
	);
	const image = { type: 'image', data: RED_PIXEL_PNG, mimeType: 'image/png' } as const;
	server.registerTool('test_image_content', { description: 'Returns an image' }, () => ({
		content: [image],
	}));
	server.registerTool('test_audio_content', { description: 'Returns a sound' }, () => ({
		content: [{ type: 'audio', data: SILENCE_WAV, mimeType: 'audio/wav' }],
	}));
	server.registerTool('test_embedded_resource', { description: 'Returns a resource' }, () => ({
		content: [
			{
				type: 'resource',
				resource: {
					uri: 'test://embedded-resource',
					mimeType: 'text/plain',
					text: 'This is an embedded resource content.',
				},
			},
		],
	}));
	server.registerTool(
		'test_multiple_content_types',
		{ description: 'Returns several kinds of content' },
		() => ({
			content: [
				{ type: 'text', text: 'Multiple content types test:' },
				image,
				{
					type: 'resource',
					resource: {
						uri: 'test://mixed-content-resource',
						mimeType: 'application/json',
						text: JSON.stringify({ test: 'data', value: 123 }),
					},
				},
			],
		}),
	);
	server.registerTool('test_error_handling', { description: 'Returns an error' }, () => ({
		...textResult('This tool intentionally returns an error for testing'),
		isError: true,
	}));
	server.registerTool(
		'json_schema_2020_12_tool',
		{ description: 'Tool with JSON Schema 2020-12 features', inputSchema: contact },
		({ name = 'No name' }) => textResult(`Contact: ${name}`),
	);
	server.registerTool(
		'test_header_parameter',
		{ description: 'Has an argument that clients repeat in a header', inputSchema: inRegion },
		({ region = 'none' }) => textResult(`Region: ${region}`),
	);
}
