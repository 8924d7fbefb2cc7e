import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';

const MENU = 'kitchen://menu';

/** Creates a server whose tools report progress, elicit a value and announce changes. */
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

	server.tool({ name: 'tip', description: 'Elicits a tip from the guest' }, async () => {
		const response = await server.elicitation('Tip?', v.object({ cents: v.number() }));
		return tool.text(response.action === 'accept' ? `${response.content?.cents} cents` : 'no tip');
	});

	server.tool({ name: 'change_menu', description: 'Announces a new menu' }, () => {
		server.changed('tools');
		server.changed('resource', MENU);
		return tool.text('changed');
	});

	server.resource({ name: 'menu', description: 'The menu of the day', uri: MENU }, (uri) =>
		resource.text(uri, 'soup', 'text/plain'),
	);
	return server;
}
