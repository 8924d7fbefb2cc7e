import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { prompt, resource, tool } from 'tmcp/utils';
import * as v from 'valibot';

/** Stores a text that the matrix reads after a call. */
export type WriteNote = (name: string, text: string) => Promise<void>;

type MatrixServer = McpServer<v.GenericSchema>;

const RESOURCE = 'matrix://status';

/** Creates the server that every client of the matrix meets. */
export function createMatrixServer(writeNote: WriteNote): MatrixServer {
	const server: MatrixServer = new McpServer(
		{ name: 'matrix', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: {
				tools: { listChanged: true },
				resources: { listChanged: true, subscribe: true },
				prompts: { listChanged: true },
				logging: {},
			},
		},
	);
	addQuickTools(server);
	addSlowTools(server, writeNote);

	server.resource(
		{ name: 'status', description: 'The status of the matrix', uri: RESOURCE },
		(uri) => resource.text(uri, 'running', 'text/plain'),
	);
	server.template(
		{ name: 'step', description: 'A step by its name', uri: 'matrix://steps/{name}' },
		(uri, { name }) => resource.text(uri, String(name), 'text/plain'),
	);
	server.prompt(
		{
			name: 'summarize',
			description: 'Asks for a summary',
			schema: v.object({ tone: v.optional(v.string()) }),
		},
		({ tone = 'plain' }) => prompt.message(`Summarize in a ${tone} tone`),
	);
	return server;
}

function addQuickTools(server: MatrixServer): void {
	server.tool(
		{
			name: 'echo',
			description: 'Returns its argument',
			schema: v.object({ text: v.pipe(v.string(), v.maxLength(1_000)) }),
		},
		({ text }) => tool.text(text),
	);
	server.tool(
		{
			name: 'count',
			description: 'Reports progress up to a number',
			schema: v.object({ to: v.pipe(v.number(), v.integer(), v.maxValue(100)) }),
		},
		async ({ to }) => {
			for (let step = 1; step <= to; step += 1) {
				server.progress(step, to);
				// A client may drop progress that it receives together with the result.
				await delay(100);
			}
			return tool.text(`counted to ${to}`);
		},
	);
	server.tool(
		{
			name: 'confirm',
			description: 'Elicits a confirmation',
			// A stateless client calls again with the response, which reruns this handler from the top.
			replayable: true,
		},
		async () => {
			const { action, content } = await server.elicitation(
				'Sure?',
				v.object({ sure: v.boolean() }),
			);
			return tool.text(`${action}: ${String(content?.sure)}`);
		},
	);
	server.tool(
		{ name: 'announce', description: 'Announces changes of the tools and of the resource' },
		() => {
			server.changed('tools');
			server.changed('resource', RESOURCE);
			return tool.text('announced');
		},
	);
}

function addSlowTools(server: MatrixServer, writeNote: WriteNote): void {
	server.tool(
		{
			name: 'wait',
			description: 'Waits until it is cancelled, at most 20 seconds, and writes notes of both',
			schema: v.object({ note: v.string() }),
		},
		async ({ note }) => {
			server.progress(1, 2);
			await writeNote(note, 'begun');
			const { signal } = server.ctx;
			const isCancelled = (): boolean => signal?.aborted === true;
			for (let turn = 0; turn < 1_000 && !isCancelled(); turn += 1) await delay(20);
			await writeNote(note, isCancelled() ? 'cancelled' : 'finished');
			return tool.text('waited');
		},
	);
	server.tool(
		{
			name: 'sleep',
			description: 'Sleeps, and writes a note of each run',
			schema: v.object({ ms: v.pipe(v.number(), v.maxValue(20_000)), note: v.string() }),
		},
		async ({ ms, note }) => {
			await writeNote(note, 'run');
			await delay(ms);
			return tool.text('slept');
		},
	);
}

function delay(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
