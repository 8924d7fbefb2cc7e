import { SessionObject } from '@tmcp-sessions/session-object';
import type { Session } from '@tmcp-sessions/session-object';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';

/** What is remembered of a caller. */
interface Remembered {
	visits: number;
}

/** A server that remembers: each user's client has an object of its own, and the server lives there. */
export class Guestbook extends SessionObject<Cloudflare.Env, Remembered> {
	createServer(session: Session<Remembered>): McpServer {
		const server = new McpServer(
			{ name: 'guestbook', version: '1.0.0' },
			{ adapter: undefined, capabilities: { tools: {} } },
		);
		server.tool({ name: 'sign', description: 'Counts a visit' }, () => {
			const visits = session.context.update('visits', (visits = 0) => visits + 1);
			return tool.text(`visit ${visits} of ${String(server.ctx.auth?.extra?.['subject'])}`);
		});
		return server;
	}
}
