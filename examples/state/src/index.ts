import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { sessionState } from '@tmcp-sessions/state';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import * as v from 'valibot';

const info = new KVInfoSessionManager();
const drafts = sessionState(info, { draft: v.string() });

const server = new McpServer(
	{ name: 'drafts', version: '1.0.0' },
	{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
);
server.tool(
	{
		name: 'add_to_draft',
		description: 'Adds a line to a draft. If it returns a handle, pass it to the next call.',
		schema: v.object({ line: v.string(), handle: v.optional(v.string()) }),
	},
	async ({ line, handle }) => {
		const state = await drafts.open(handle);
		const draft = await state.update('draft', (before = '') => `${before}${line}\n`);
		const text = state.handle ? `${draft}handle: ${state.handle}` : draft;
		return { content: [{ type: 'text', text }] };
	},
);

export default createMcpHandler(server, { info });
