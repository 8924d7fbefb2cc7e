import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server';
import type { McpRequestContext } from '@modelcontextprotocol/server';
import { currentTask } from '@tmcp-sessions/tasks';
import { env, waitUntil } from 'cloudflare:workers';
import * as z from 'zod';

import { CAPABILITIES, SERVER_INFO } from '../sessions.ts';
import type { Notebook } from './notebook.ts';

/** The binding that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly NOTEBOOK: DurableObjectNamespace<Notebook>;
		}
	}
}

type Result = { content: { type: 'text'; text: string }[] };

const PAGE_SIZE = 2;
const SAVE_MS = 200;
const note = z.object({ text: z.string() });
const copies = z.object({ copies: z.number() });
const confirmation = z.object({ sure: z.boolean() });

const textResult = (text: string): Result => ({ content: [{ type: 'text', text }] });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Creates the server of the origin: tools and resources over the notebook of the user. */
export function createOriginServer({ authInfo }: McpRequestContext): McpServer {
	const server = new McpServer(SERVER_INFO, { capabilities: CAPABILITIES });
	const notebook = env.NOTEBOOK.getByName(authInfo?.clientId ?? '');
	addNotes(server, notebook);
	addResources(server, notebook);
	server.registerTool(
		'print',
		{ description: 'Prints a text, as a task', inputSchema: copies },
		async ({ copies }) => {
			const task = currentTask();
			await task.step('heat', () => task.status('Heating the printer'));
			const { action } = await task.ask(`Print ${copies} copies?`, confirmation);
			return textResult(action === 'accept' ? `printed ${copies} copies` : 'not printed');
		},
	);
	return server;
}

function addNotes(server: McpServer, notebook: DurableObjectStub<Notebook>): void {
	server.registerTool(
		'note_add',
		{ description: 'Adds a note', inputSchema: note },
		async ({ text }) => {
			const id = await notebook.add(text);
			server.sendResourceListChanged();
			await server.server.sendResourceUpdated({ uri: 'note://latest' });
			return textResult(`note://${id}`);
		},
	);
	server.registerTool(
		'note_save',
		{ description: 'Saves copies, which takes a moment for each', inputSchema: copies },
		async ({ copies }, { mcpReq }) => {
			const progressToken = mcpReq._meta?.progressToken;
			// A cancelled request ends soon: what follows the cancellation must keep it alive.
			mcpReq.signal.addEventListener('abort', () => waitUntil(notebook.add('cancelled')));
			for (let progress = 1; progress <= copies; progress += 1) {
				await pause(SAVE_MS);
				if (mcpReq.signal.aborted) break;
				if (progressToken === undefined) continue;
				const params = { progressToken, progress, total: copies };
				await mcpReq.notify({ method: 'notifications/progress', params });
			}
			return textResult(`saved ${copies} copies`);
		},
	);
	server.registerTool(
		'note_clear',
		{ description: 'Removes all notes, if the user confirms' },
		async ({ mcpReq }) => {
			// A client of 2025-11-25 gets an elicitation of this.
			const answer = acceptedContent(mcpReq.inputResponses, 'confirm');
			if (!mcpReq.inputResponses) {
				const elicitation = { message: 'Remove all notes?', requestedSchema: confirmation };
				return inputRequired({ inputRequests: { confirm: inputRequired.elicit(elicitation) } });
			}
			if (!answer?.['sure']) return textResult('kept');
			await notebook.clear();
			server.sendResourceListChanged();
			return textResult('removed');
		},
	);
}

function addResources(server: McpServer, notebook: DurableObjectStub<Notebook>): void {
	server.server.setRequestHandler('resources/list', async ({ params }) => {
		const notes = await notebook.list(Number(params?.cursor ?? 0), PAGE_SIZE);
		const last = notes.length === PAGE_SIZE ? notes.at(-1) : undefined;
		return {
			resources: notes.map(({ id, text }) => ({ uri: `note://${id}`, name: text })),
			...(last && { nextCursor: String(last.id) }),
		};
	});
	server.server.setRequestHandler('resources/templates/list', () => ({
		resourceTemplates: [{ uriTemplate: 'note://{id}', name: 'note' }],
	}));
	server.server.setRequestHandler('resources/read', async ({ params: { uri } }) => {
		const id = Number(new URL(uri).hostname);
		const [found] = await notebook.list(id - 1, 1);
		if (found?.id !== id) throw new Error(`Resource not found: ${uri}`);
		return { contents: [{ uri, text: found.text }] };
	});
}
