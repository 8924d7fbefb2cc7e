import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { env } from 'cloudflare:workers';
import { McpServer } from 'tmcp';
import { prompt, resource, tool } from 'tmcp/utils';
import * as v from 'valibot';
import { addClientTools } from './client-tools.ts';
import type { Notebook } from './notebook.ts';

/** The binding of wrangler.jsonc that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly NOTEBOOK: DurableObjectNamespace<Notebook>;
		}
	}
}

const allNotes = 'notes://all';
// Checks only: `tools/list` fails for every tool if one schema has an action without JSON Schema, such as
// `v.trim`. A tool trims its arguments itself.
const NoteText = v.pipe(v.string(), v.regex(/\S/, 'Expected a text'), v.maxLength(1_000));

/** A tmcp server; each isolate creates one, which serves every session. */
export type NotesServer = McpServer<v.GenericSchema>;

/** Creates the notes server: tools, a resource to subscribe to, and a prompt. */
export function createNotesServer(): NotesServer {
	const server: NotesServer = new McpServer(
		{ name: 'notes', version: '1.0.0', description: 'Stores notes' },
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
	addNoteTools(server);
	addClearNotes(server);
	addClientTools(server);

	server.resource(
		{
			name: 'All notes',
			description: 'Every note, one per line',
			uri: allNotes,
			mimeType: 'text/plain',
		},
		async (uri) => resource.text(uri, await notesAsText(), 'text/plain'),
	);

	server.prompt(
		{
			name: 'summarize_notes',
			description: 'Asks for a summary of all notes',
			schema: v.object({ tone: v.optional(v.string()) }),
		},
		async ({ tone = 'plain' }) =>
			prompt.message(`Summarize these notes in a ${tone} tone:\n\n${await notesAsText()}`),
	);
	return server;
}

function addNoteTools(server: NotesServer): void {
	server.tool(
		{
			name: 'add_note',
			description: 'Adds a note and notifies the subscribers of the notes',
			schema: v.object({ text: NoteText }),
		},
		async ({ text }) => {
			const note = await notebook().add(text.trim());
			server.changed('resource', allNotes);
			return tool.text(`Note ${note.id} added`);
		},
	);

	server.tool({ name: 'list_notes', description: 'Lists all notes' }, async () =>
		tool.text((await notesAsText()) || 'There are no notes'),
	);

	server.tool(
		{ name: 'proofread_notes', description: 'Reads all notes for 2.5 seconds' },
		async () => {
			await new Promise((resolve) => setTimeout(resolve, 2_500));
			return tool.text(`Notes read: ${(await notebook().list()).length}`);
		},
	);

	server.tool(
		{
			name: 'import_notes',
			description: 'Adds several notes, reporting progress and logging each one',
			schema: v.object({ texts: v.pipe(v.array(NoteText), v.maxLength(100)) }),
		},
		async ({ texts }) => {
			for (const [index, text] of texts.entries()) {
				const note = await notebook().add(text.trim());
				server.log('info', `imported note ${note.id}`, 'import_notes');
				server.progress(index + 1, texts.length, `${index + 1} of ${texts.length}`);
			}
			server.changed('resource', allNotes);
			return tool.text(`Notes added: ${texts.length}`);
		},
	);
}

/** Adds the tool that elicits a confirmation. */
function addClearNotes(server: NotesServer): void {
	server.tool(
		{
			name: 'clear_notes',
			description: 'Deletes all notes after the user confirms',
			// A 2026-07-28 client responds by sending the call again, which reruns this handler from the
			// top. Safe because it changes nothing before the user has confirmed.
			replayable: true,
		},
		async () => {
			const response = await server.elicitation(
				'Delete all notes?',
				v.object({ confirm: v.pipe(v.boolean(), v.title('Yes, delete them')) }),
			);
			if (response.action !== 'accept' || response.content?.confirm !== true) {
				return tool.text('No notes deleted');
			}
			const deleted = await notebook().clear();
			server.changed('resource', allNotes);
			return tool.text(`Notes deleted: ${deleted}`);
		},
	);
}

function notebook(): DurableObjectStub<Notebook> {
	return env.NOTEBOOK.getByName('notes');
}

async function notesAsText(): Promise<string> {
	const notes = await notebook().list();
	return notes.map(({ id, text }) => `${id}: ${text}`).join('\n');
}
