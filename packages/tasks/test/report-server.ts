import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { currentTask } from '@tmcp-sessions/tasks';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

/** A server whose tools use tasks, and what they have done. */
export interface ReportServer {
	readonly server: McpServer<v.GenericSchema>;
	/** What the tools have done, in order. */
	readonly effects: string[];
	/** Lets `wait` return. */
	readonly release: () => void;
}

const Approval = v.object({ approve: v.boolean() });
const Name = v.object({ name: v.string() });

/** Creates a server with tools for each feature. */
export function createReportServer(): ReportServer {
	const effects: string[] = [];
	const released = Promise.withResolvers<void>();
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'reports', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: { listChanged: true }, logging: {} },
		},
	);
	const plain = (name: string, run: () => Promise<string> | string): void => {
		server.tool({ name, description: name }, async () => tool.text(await run()));
	};
	server.tool(
		{ name: 'greet', description: 'Greets', schema: v.object({ name: v.string() }) },
		({ name }) => tool.text(`Hello, ${name}!`),
	);
	plain('quick', () => 'done');
	plain('wait', async () => {
		await released.promise;
		return 'released';
	});
	server.tool({ name: 'error', description: 'Fails' }, () => tool.error('no paper'));
	plain('throw', () => {
		throw new Error('out of ink');
	});
	plain('change', () => {
		server.changed('tools');
		return 'changed';
	});
	plain('steps', async () => {
		const task = currentTask();
		const rows = await task.step('read', () => {
			effects.push('read');
			return [1, 2, 3];
		});
		const sum = await task.step('sum', () => {
			effects.push('sum');
			return rows.reduce((total, row) => total + row, 0);
		});
		return `sum ${sum}`;
	});
	plain('ask', async () => {
		const { action, content } = await currentTask().ask('Publish?', Approval);
		return `${action} ${String(content?.approve)}`;
	});
	plain('elicit-two', async () => {
		const answers = await Promise.all([
			server.elicitation('First?', Approval),
			server.elicitation('Second?', Approval),
		]);
		return answers.map(({ content }) => String(content?.approve)).join(' ');
	});
	plain('ask-first', async () => {
		const task = currentTask();
		const { content } = await task.ask('Who are you?', Name);
		if (content?.name === 'nobody') return 'no task';
		effects.push('before begin');
		task.begin();
		effects.push('after begin');
		return `Hello, ${String(content?.name)}!`;
	});
	plain('progress', async () => {
		server.progress(12, 40, 'Reading 12 of 40');
		await released.promise;
		return 'read';
	});
	plain('log', async () => {
		server.log('info', 'Nearly there');
		await released.promise;
		return 'logged';
	});
	plain('status', async () => {
		currentTask().status('Reading 12 of 40');
		await released.promise;
		return 'read';
	});
	server.tool(
		{
			name: 'routed',
			description: 'Has a parameter that a header repeats',
			schema: v.object({
				region: v.pipe(v.string(), v.metadata({ 'x-mcp-header': 'Region' })),
				size: v.optional(
					v.pipe(v.pipe(v.number(), v.integer()), v.metadata({ 'x-mcp-header': 'Size' })),
				),
			}),
		},
		({ region }) => tool.text(region),
	);
	plain('signal', async () => {
		const { signal } = currentTask();
		await new Promise<void>((resolve) => {
			signal.addEventListener('abort', () => resolve(), { once: true });
		});
		effects.push('aborted');
		return 'aborted';
	});
	plain('twice', async () => {
		await currentTask().step('read', () => 1);
		await currentTask().step('read', () => 2);
		return 'twice';
	});
	plain('no-json', async () => {
		await currentTask()
			.step('read', () => ({ rows: [1, new Date()] }))
			.catch(() => {});
		return 'caught';
	});
	server.tool({ name: 'no-json-result', description: 'Returns a Date' }, () => {
		const result = { content: [], structuredContent: { at: new Date() } };
		// Safe because the tool is wrong on purpose.
		return result as never;
	});
	plain('large', () => 'x'.repeat(2_000_000));
	plain('sleep', async () => {
		await currentTask().sleep(20);
		return 'slept';
	});
	return { server, effects, release: () => released.resolve() };
}
