import type { Choices } from './choices.ts';
import { itemsIf } from './handler-code.ts';
import { processFiles } from './process-files.ts';
import type { ProjectFiles, RuntimeFiles } from './runtime-files.ts';
import { vercelFiles } from './vercel-files.ts';
import { workerFiles } from './worker-files.ts';

/** Runs TypeScript with every release of Node.js from 22.12 on. */
const NODE = 'node --experimental-strip-types';

/**
 * Plans the files of a project.
 *
 * @param versionOf returns the range for a dependency.
 */
export function projectFiles(
	choices: Choices,
	versionOf: (packageName: string) => string,
): ProjectFiles {
	const { hasTasks, library, name } = choices;
	const own = runtimeFiles(choices);
	return {
		files: {
			...own.files,
			'src/server.ts': library === 'sdk' ? sdkServer(name, hasTasks) : tmcpServer(name, hasTasks),
			'test/server.test.ts': library === 'sdk' ? sdkServerTest : tmcpServerTest,
		},
		json: {
			...own.json,
			'package.json': manifestOf(choices, own, versionOf),
			'tsconfig.json': {
				compilerOptions: {
					target: 'es2023',
					lib: ['es2024'],
					strict: true,
					skipLibCheck: true,
					noEmit: true,
					allowImportingTsExtensions: true,
					...own.compilerOptions,
				},
				include: own.folders,
			},
		},
		lines: { '.gitignore': ['node_modules', ...own.ignored] },
		secrets: own.secrets,
		next: own.next,
	};
}

function runtimeFiles(choices: Choices): RuntimeFiles {
	const { runtime } = choices;
	if (runtime === 'workers') return workerFiles(choices);
	return runtime === 'vercel' ? vercelFiles(choices) : processFiles(choices, runtime);
}

function manifestOf(
	{ library, name }: Choices,
	own: RuntimeFiles,
	versionOf: (packageName: string) => string,
): Record<string, unknown> {
	const ranges = (names: readonly string[]): Record<string, string> =>
		Object.fromEntries(names.toSorted().map((each) => [each, versionOf(each)]));
	const isSdk = library === 'sdk';
	return {
		name,
		private: true,
		type: 'module',
		scripts: {
			...own.scripts,
			test: `${NODE} --test "test/*.test.ts"`,
			types: 'tsc',
		},
		dependencies: ranges([
			...own.dependencies,
			...(isSdk
				? ['@modelcontextprotocol/server', '@tmcp-sessions/sdk', 'zod']
				: [
						'@tmcp-sessions/http',
						'@tmcp/adapter-valibot',
						'@tmcp/transport-http',
						'tmcp',
						'valibot',
					]),
		]),
		devDependencies: ranges([
			...own.devDependencies,
			...itemsIf(isSdk, '@modelcontextprotocol/client'),
			'typescript',
		]),
	};
}

const TASK_IMPORT = "import { currentTask } from '@tmcp-sessions/tasks';\n";

function tmcpServer(name: string, hasTasks: boolean): string {
	const report = `
	// A call of a client that knows tasks returns at once; the client polls for the result.
	server.tool({ name: 'generate_report', description: 'Generates a report' }, async () => {
		const rows = await currentTask().step('read', () => [1, 2, 3]);
		return tool.text(\`The sum is \${rows.reduce((sum, row) => sum + row, 0)}\`);
	});
`;
	return `${hasTasks ? TASK_IMPORT : ''}import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

/** Creates the MCP server. It has no code for sessions or for a runtime. */
export function createServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: '${name}', version: '1.0.0' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
	);
	server.tool(
		{ name: 'greet', description: 'Greets a person', schema: v.object({ name: v.string() }) },
		({ name }) => tool.text(\`Hello, \${name}!\`),
	);
${hasTasks ? report : ''}	return server;
}
`;
}

function sdkServer(name: string, hasTasks: boolean): string {
	const report = `
	// A call of a client that knows tasks returns at once; the client polls for the result.
	server.registerTool('generate_report', { description: 'Generates a report' }, async () => {
		const rows = await currentTask().step('read', () => [1, 2, 3]);
		const text = \`The sum is \${rows.reduce((sum, row) => sum + row, 0)}\`;
		return { content: [{ type: 'text', text }] };
	});
`;
	return `import { McpServer } from '@modelcontextprotocol/server';
${hasTasks ? TASK_IMPORT : ''}import * as z from 'zod';

// Create schemas once: creating one takes longer than a call.
const person = z.object({ name: z.string() });

/** Creates the MCP server. It has no code for sessions or for a runtime. */
export function createServer(): McpServer {
	const server = new McpServer({ name: '${name}', version: '1.0.0' });
	server.registerTool(
		'greet',
		{ description: 'Greets a person', inputSchema: person },
		({ name }) => ({ content: [{ type: 'text', text: \`Hello, \${name}!\` }] }),
	);
${hasTasks ? report : ''}	return server;
}
`;
}

const tmcpServerTest = `import { createMcpHandler } from '@tmcp-sessions/http';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from '../src/server.ts';

test('greets a person', async () => {
	const mcp = createMcpHandler(createServer());
	const response = await mcp.fetch(
		new Request('http://localhost/mcp', {
			method: 'POST',
			headers: {
				accept: 'application/json, text/event-stream',
				'content-type': 'application/json',
				'mcp-protocol-version': '2026-07-28',
				'mcp-method': 'tools/call',
				'mcp-name': 'greet',
			},
			body: JSON.stringify({
				jsonrpc: '2.0',
				id: 1,
				method: 'tools/call',
				params: {
					name: 'greet',
					arguments: { name: 'Ada' },
					_meta: {
						'io.modelcontextprotocol/protocolVersion': '2026-07-28',
						'io.modelcontextprotocol/clientCapabilities': {},
					},
				},
			}),
		}),
	);
	assert.match(await response.text(), /Hello, Ada!/);
});
`;

const sdkServerTest = `import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from '../src/server.ts';

test('greets a person', async () => {
	const [ofClient, ofServer] = InMemoryTransport.createLinkedPair();
	const client = new Client({ name: 'test', version: '1.0.0' });
	await Promise.all([createServer().connect(ofServer), client.connect(ofClient)]);
	const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
	assert.deepEqual(content, [{ type: 'text', text: 'Hello, Ada!' }]);
	await client.close();
});
`;
