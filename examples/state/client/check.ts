import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** One check and its result. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

const TOOL = 'add_to_draft';
const STATELESS = { versionNegotiation: { mode: { pin: '2026-07-28' } } };

/**
 * Writes a draft in a session, and another one with a handle.
 *
 * @param url returns the address of the server for the next connection.
 */
export async function checkDrafts(url: () => URL): Promise<Check[]> {
	return [...(await checkSession(url)), ...(await checkHandles(url))];
}

async function checkSession(url: () => URL): Promise<Check[]> {
	const [client, transport] = await connect(url());
	await add(client, 'Dear Ada,');
	const draft = await add(client, 'Thank you.');
	const [other] = await connect(url());
	const elsewhere = await add(other, 'Hello!');
	await transport.terminateSession();
	await Promise.all([client.close(), other.close()]);
	return [
		checked('a session keeps its draft', draft, 'Dear Ada,\nThank you.\n'),
		checked('another session has another draft', elsewhere, 'Hello!\n'),
	];
}

async function checkHandles(url: () => URL): Promise<Check[]> {
	const [first] = await connect(url(), STATELESS);
	const [draft, handle = ''] = (await add(first, 'Dear Bob,')).split('handle: ');
	const [second] = await connect(url(), STATELESS);
	const continued = await add(second, 'Goodbye.', handle);
	const changed = handle.slice(0, -1) + (handle.endsWith('A') ? 'E' : 'A');
	const rejected = await add(second, 'Again.', changed);
	await Promise.all([first.close(), second.close()]);
	return [
		checked('a stateless call begins a draft', draft, 'Dear Bob,\n'),
		checked(
			'a stateless call continues the draft of its handle',
			continued,
			`Dear Bob,\nGoodbye.\nhandle: ${handle}`,
		),
		checked(
			'a changed handle is rejected',
			rejected.includes("the handle is not one of this server's for this caller"),
			true,
		),
	];
}

async function connect(
	url: URL,
	options: ConstructorParameters<typeof Client>[1] = {},
): Promise<[Client, StreamableHTTPClientTransport]> {
	const transport = new StreamableHTTPClientTransport(new URL('/mcp', url));
	const client = new Client({ name: 'writer', version: '1.0.0' }, options);
	await client.connect(transport);
	return [client, transport];
}

/** Calls the tool. Returns the text of its result, or the reason of an error. */
async function add(client: Client, line: string, handle?: string): Promise<string> {
	try {
		const { content } = await client.callTool({
			name: TOOL,
			arguments: handle === undefined ? { line } : { line, handle },
		});
		const [first] = content;
		return first?.type === 'text' ? first.text : '';
	} catch (error) {
		return String(error);
	}
}

function checked(title: string, seen: unknown, expected: unknown): Check {
	return { title, holds: seen === expected, seen };
}
