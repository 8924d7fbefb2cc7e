// Connects the official clients to a server, lists its tools and calls one:
//     node official-clients.ts URL
// Runs as a process of its own in the network of a reader.
import { Client as Client2, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const url = new URL(process.argv[2] ?? '');
const info = { name: 'installs', version: '1.0.0' };

interface ListedTool {
	readonly name: string;
	readonly inputSchema: {
		readonly properties?: object | undefined;
		readonly required?: string[] | undefined;
	};
}

interface CalledTool {
	readonly [field: string]: unknown;
	readonly isError?: unknown;
	readonly content?: unknown;
}

interface ConnectedClient {
	listTools(): Promise<{ readonly tools: readonly ListedTool[] }>;
	callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<CalledTool>;
	close(): Promise<void>;
}

/** Returns a value for each required argument, by its type in the tool's schema. */
function argumentsOf({ inputSchema: { properties = {}, required = [] } }: ListedTool) {
	const types = new Map<string, { type?: string }>(Object.entries(properties));
	const values: Record<string, unknown> = { string: 'text', boolean: true, array: [], object: {} };
	return Object.fromEntries(
		required.map((name) => [name, values[types.get(name)?.type ?? ''] ?? 2]),
	);
}

async function callOneTool(title: string, client: ConnectedClient): Promise<void> {
	const { tools } = await client.listTools();
	const [tool] = tools;
	if (!tool) throw new Error('the server lists no tool');
	const result = await client.callTool({ name: tool.name, arguments: argumentsOf(tool) });
	if (result.isError) throw new Error(`${tool.name} failed: ${JSON.stringify(result.content)}`);
	console.log(`${title}: ${tool.name} returned ${JSON.stringify(result.content)}`);
	await client.close();
}

async function main(): Promise<void> {
	const first = new Client1(info);
	await first.connect(new Transport1(url));
	await callOneTool('SDK 1', first);
	const second = new Client2(info);
	await second.connect(new StreamableHTTPClientTransport(url));
	await callOneTool('client 2', second);
	const stateless = new Client2(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
	try {
		await stateless.connect(new StreamableHTTPClientTransport(url));
	} catch (failure) {
		// A server in an object of its session has no stateless clients, and says so.
		if (!(failure instanceof Error && failure.message.includes('requires a session')))
			throw failure;
		console.log('client 2, stateless: rejected, since the server requires a session');
		return;
	}
	await callOneTool('client 2, stateless', stateless);
}

try {
	await main();
} catch (failure) {
	// The stack would also name the files of the clients.
	console.error(failure instanceof Error ? `${failure.name}: ${failure.message}` : failure);
	process.exitCode = 1;
}
