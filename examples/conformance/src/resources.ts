import { resource } from 'tmcp/utils';
import type { ConformanceServer } from './conformance-server.ts';
import { RED_PIXEL_PNG } from './media.ts';

/** Adds a text, an image, a resource to subscribe to and a template. */
export function addResources(server: ConformanceServer): void {
	server.resource(
		{
			name: 'Static text',
			description: 'A text that never changes',
			uri: 'test://static-text',
			mimeType: 'text/plain',
		},
		(uri) => resource.text(uri, 'This is the content of the static text resource.', 'text/plain'),
	);
	server.resource(
		{
			name: 'Static image',
			description: 'One red pixel',
			uri: 'test://static-binary',
			mimeType: 'image/png',
		},
		(uri) => resource.blob(uri, RED_PIXEL_PNG, 'image/png'),
	);
	server.resource(
		{
			name: 'Watched resource',
			description: 'A resource to subscribe to',
			uri: 'test://watched-resource',
			mimeType: 'text/plain',
		},
		(uri) => resource.text(uri, 'Watched resource content', 'text/plain'),
	);
	server.template(
		{
			name: 'Data by id',
			description: 'Returns the id of the request',
			uri: 'test://template/{id}/data',
			mimeType: 'application/json',
		},
		(uri, { id }) =>
			resource.text(
				uri,
				JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
				'application/json',
			),
	);
}
