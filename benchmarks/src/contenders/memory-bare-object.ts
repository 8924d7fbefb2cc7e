import { HttpTransport } from '@tmcp/transport-http';
import { env } from 'cloudflare:workers';
import { createServer } from './server.ts';
import { serve } from './serve-transport.ts';

const memory = serve(() => new HttpTransport(createServer(), { path: '/mcp' }));

/** The limit of whatever asks an object once for each call and leaves the rest to tmcp as it is. */
export default {
	async fetch(request: Request): Promise<Response> {
		await env.BARE_OBJECT.getByName('bare').constant();
		return memory.fetch(request);
	},
};
