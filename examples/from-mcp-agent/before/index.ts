import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { McpAgent } from 'agents/mcp';

import { userOf } from '../src/access-tokens.ts';

interface Props extends Record<string, unknown> {
	readonly user: string;
}

/** The server before: each session has an object, which nothing deletes. */
export class Counter extends McpAgent<Cloudflare.Env, { count: number }, Props> {
	server: McpServer = new McpServer({ name: 'counter', version: '1.0.0' });
	override initialState = { count: 0 };

	override async init(): Promise<void> {
		this.server.registerTool('count', { description: 'Counts' }, () => {
			this.setState({ count: this.state.count + 1 });
			return { content: [{ type: 'text', text: String(this.state.count) }] };
		});
	}
}

const handler = Counter.serve('/mcp', { binding: 'COUNTER' });

export default {
	async fetch(request, env, context) {
		const user = userOf(request);
		if (user === undefined) return new Response(null, { status: 401 });
		// Safe because the platform's type has the props of no Worker.
		(context as { props: Props }).props = { user };
		return handler.fetch(request, env, context);
	},
} satisfies ExportedHandler<Cloudflare.Env>;
