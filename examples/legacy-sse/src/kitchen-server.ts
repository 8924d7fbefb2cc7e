import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';

const MENU = 'kitchen://menu';

/** A kitchen: its tools report how far they are, ask the guest, and tell everybody of a new menu. */
export function createKitchenServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'kitchen', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: {
				tools: { listChanged: true },
				resources: { listChanged: true, subscribe: true },
			},
		},
	);

	server.tool(
		{
			name: 'cook',
			description: 'Cooks a dish in three steps',
			schema: v.object({ dish: v.pipe(v.string(), v.maxLength(100)) }),
		},
		({ dish }) => {
			for (const [done, step] of ['cut', 'fried', 'served'].entries()) {
				server.progress(done + 1, 3, step);
			}
			return tool.text(`${dish} is ready`);
		},
	);

	server.tool({ name: 'tip', description: 'Asks the guest for a tip' }, async () => {
		const answer = await server.elicitation('Tip?', v.object({ cents: v.number() }));
		return tool.text(answer.action === 'accept' ? `${answer.content?.cents} cents` : 'no tip');
	});

	server.tool({ name: 'change_menu', description: 'Tells everybody of a new menu' }, () => {
		server.changed('tools');
		server.changed('resource', MENU);
		return tool.text('changed');
	});

	server.resource({ name: 'menu', description: 'What there is', uri: MENU }, (uri) =>
		resource.text(uri, 'soup', 'text/plain'),
	);
	return server;
}
