import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

/** Runs a part of a tool, or returns the result that an earlier start of its call has stored. */
export type RunStep = (name: string, run: () => Promise<number>) => Promise<number>;

const PARTS = ['orders', 'returns', 'customers'];

/**
 * Creates the server. It has no code for Workers, nor for tasks.
 *
 * @param runStep stores what the parts return. Default: each part runs, and nothing is stored.
 */
export function createReportServer(
	runStep: RunStep = (_name, run) => run(),
): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'reports', version: '1.0.0', description: 'Generates reports' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
	);
	server.tool(
		{
			name: 'generate_report',
			description: 'Generates the report of a month, and publishes it if the user approves',
			schema: v.object({ month: v.string() }),
			replayable: true,
		},
		async ({ month }) => {
			let rows = 0;
			for (const [index, part] of PARTS.entries()) {
				rows += await runStep(`read ${part}`, () => readRows(part));
				server.progress(index + 1, PARTS.length, `Read ${part}`);
			}
			const approval = v.object({ publish: v.boolean() });
			const question = `Publish the report with ${rows} rows?`;
			const { content } = await server.elicitation(question, approval);
			const state = content?.publish === true ? 'published' : 'kept as a draft';
			return tool.text(`The report of ${month} has ${rows} rows and was ${state}.`);
		},
	);
	return server;
}

/** Stands for a slow query. */
async function readRows(part: string): Promise<number> {
	await new Promise((resolve) => setTimeout(resolve, 1_000));
	return part.length * 100;
}
