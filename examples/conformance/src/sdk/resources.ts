import { ResourceTemplate } from '@modelcontextprotocol/server';
import type { McpServer } from '@modelcontextprotocol/server';
import { RED_PIXEL_PNG } from '../media.ts';

/** Adds a text, an image, a resource to subscribe to and a template. */
export function addResources(server: McpServer): void {
	const plain = { mimeType: 'text/plain' };
	server.registerResource(
		'Static text',
		'test://static-text',
		{ description: 'A text that never changes', ...plain },
		({ href: uri }) => ({
			contents: [{ uri, text: 'This is the content of the static text resource.', ...plain }],
		}),
	);
	const png = { mimeType: 'image/png' };
	server.registerResource(
		'Static image',
		'test://static-binary',
		{ description: 'One red pixel', ...png },
		({ href: uri }) => ({ contents: [{ uri, blob: RED_PIXEL_PNG, ...png }] }),
	);
	server.registerResource(
		'Watched resource',
		'test://watched-resource',
		{ description: 'A resource to subscribe to', ...plain },
		({ href: uri }) => ({ contents: [{ uri, text: 'Watched resource content', ...plain }] }),
	);
	const json = { mimeType: 'application/json' };
	server.registerResource(
		'Data by id',
		new ResourceTemplate('test://template/{id}/data', { list: undefined }),
		{ description: 'Returns the id of the request', ...json },
		({ href: uri }, { id }) => {
			const data = { id, templateTest: true, data: `Data for ID: ${String(id)}` };
			return { contents: [{ uri, text: JSON.stringify(data), ...json }] };
		},
	);
}
