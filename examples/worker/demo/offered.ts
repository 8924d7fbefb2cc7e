import { expectThat } from './expectation.ts';

/** The names that the notes server lists, by kind. */
export const offered = {
	tools: [
		'add_note',
		'list_notes',
		'proofread_notes',
		'import_notes',
		'clear_notes',
		'whoami',
		'announce_change',
	],
	resources: ['notes://all'],
	templates: [],
	prompts: ['summarize_notes'],
} as const;

/** The methods that the clients of both eras list with. */
interface Lister {
	listTools(): Promise<{ tools: { name: string }[] }>;
	listResources(): Promise<{ resources: { uri: string }[] }>;
	listPrompts(): Promise<{ prompts: { name: string }[] }>;
}

/** Lists everything with a client. Resolves with what to show; rejects if something is missing. */
export async function listEverything(client: Lister): Promise<string> {
	const tools = (await client.listTools()).tools.map(({ name }) => name);
	const resources = (await client.listResources()).resources.map(({ uri }) => uri);
	const prompts = (await client.listPrompts()).prompts.map(({ name }) => name);
	expectThat(tools.join() === offered.tools.join(), offered.tools.join(), tools);
	expectThat(resources.join() === offered.resources.join(), offered.resources.join(), resources);
	expectThat(prompts.join() === offered.prompts.join(), offered.prompts.join(), prompts);
	return `${tools.length} tools, ${resources.join()}, the prompt ${prompts.join()}`;
}
