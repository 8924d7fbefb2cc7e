import { env } from 'cloudflare:workers';

/** tmcp's transport in a session's own object, and a Worker that does nothing but find it. */
export default {
	fetch(request: Request): Promise<Response> {
		const objects = env.TRANSPORT_OBJECT;
		const session = request.headers.get('mcp-session-id');
		const id = session === null ? objects.newUniqueId() : objects.idFromString(session);
		return objects.get(id).fetch(request);
	},
};
