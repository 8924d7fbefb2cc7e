import soak from '@tmcp-sessions/soak/worker';
import matrix from './worker.ts';

// The Durable Object classes of both Workers.
export * from './worker.ts';

/** The server of the matrix, and the one of the soak at `/mcp` and `/publish`, in one Worker. */
export default {
	fetch(request, environment, context) {
		const { pathname } = new URL(request.url);
		const { fetch } = ['/mcp', '/publish'].includes(pathname) ? soak : matrix;
		return fetch(request, environment, context);
	},
} satisfies ExportedHandler<Cloudflare.Env>;
