import { currentTask } from '@tmcp-sessions/tasks';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

const STEPS = 5;
/** Longer than the counts take. */
const WAITING_MS = 600_000;

/** A server whose calls are tasks. */
export const server: McpServer<v.GenericSchema> = new McpServer<v.GenericSchema>(
	{ name: 'tasks', version: '1.0.0' },
	{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
);
server.tool({ name: 'plain', description: 'Returns at once' }, () => tool.text('done'));
server.tool({ name: 'brief', description: 'Returns at once, and expires' }, () =>
	tool.text('done'),
);
server.tool({ name: 'steps', description: 'Has five steps' }, async () => {
	for (let number = 1; number <= STEPS; number++)
		await currentTask().step(`${number}`, () => number);
	return tool.text('done');
});
server.tool({ name: 'status', description: 'Sets its status' }, () => {
	currentTask().status('Reading');
	return tool.text('done');
});
server.tool({ name: 'ask', description: 'Asks the user' }, async () => {
	await currentTask().ask('Go on?', v.object({ approve: v.boolean() }));
	return tool.text('done');
});
server.tool({ name: 'sleep', description: 'Sleeps' }, async () => {
	await currentTask().sleep(WAITING_MS);
	return tool.text('done');
});

const long = { pollSeconds: 5, ttlSeconds: 3_600 };
/** How its calls become tasks. */
export const tools = {
	plain: long,
	steps: long,
	status: long,
	ask: long,
	sleep: long,
	brief: { ttlSeconds: 1 },
};
