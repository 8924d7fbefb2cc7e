import { SessionObject } from '@tmcp-sessions/session-object';
import type { Session } from '@tmcp-sessions/session-object';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';

/** The stored values of one user's client. */
interface Stored {
	visits: number;
}

/** A server with state, in one object for each client of a user. */
export class Guestbook extends SessionObject<Cloudflare.Env, Stored> {
	createServer(session: Session<Stored>): McpServer {
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
