import { tool } from 'tmcp/utils';
import type { ConformanceServer } from './conformance-server.ts';
import { RED_PIXEL_PNG, SILENCE_WAV } from './media.ts';

/** Adds tools that return immediately, one for each kind of content. */
export function addContentTools(server: ConformanceServer): void {
	server.tool({ name: 'test_simple_text', description: 'Returns a text' }, () =>
		tool.text('This is a simple text response for testing.'),
	);
	server.tool({ name: 'test_image_content', description: 'Returns an image' }, () =>
		tool.media('image', RED_PIXEL_PNG, 'image/png'),
	);
	server.tool({ name: 'test_audio_content', description: 'Returns a sound' }, () =>
		tool.media('audio', SILENCE_WAV, 'audio/wav'),
	);
	server.tool({ name: 'test_embedded_resource', description: 'Returns a resource' }, () =>
		tool.resource({
			uri: 'test://embedded-resource',
			mimeType: 'text/plain',
			text: 'This is an embedded resource content.',
		}),
	);
	server.tool(
		{ name: 'test_multiple_content_types', description: 'Returns several kinds of content' },
		() =>
			tool.mix([
				tool.text('Multiple content types test:'),
				tool.media('image', RED_PIXEL_PNG, 'image/png'),
				tool.resource({
					uri: 'test://mixed-content-resource',
					mimeType: 'application/json',
					text: JSON.stringify({ test: 'data', value: 123 }),
				}),
			]),
	);
	server.tool({ name: 'test_error_handling', description: 'Returns an error' }, () =>
		tool.error('This tool intentionally returns an error for testing'),
	);
}
