import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedFromNpm, kinds } from '../client-adapter.ts';
import type { ClientAdapter } from '../client-adapter.ts';
import { actionsOf, createClient } from './sdk-1.ts';

const program = fileURLToPath(
	new URL('../../node_modules/mcp-remote/dist/proxy.js', import.meta.url),
);

/** The proxy between clients that speak stdio and servers that speak HTTP. */
export const mcpRemote: ClientAdapter = {
	package: 'mcp-remote',
	era: 'session-based',
	lists: kinds,
	lacks: { DELETE: 'The proxy closes its streams and leaves the session to expire.' },
	prepare: () => installedFromNpm('mcp-remote'),
	async connect(url, options = {}) {
		const directory = await mkdtemp(join(tmpdir(), 'mcp-remote-'));
		const headers = Object.entries(options.headers ?? {});
		const transport = new StdioClientTransport({
			command: process.execPath,
			args: [
				program,
				url.href,
				'--transport',
				'http-only',
				...headers.flatMap(([name, value]) => ['--header', `${name}:${value}`]),
			],
			env: { PATH: process.env['PATH'] ?? '', HOME: directory, MCP_REMOTE_CONFIG_DIR: directory },
			stderr: 'ignore',
		});
		const client = createClient(options);
		await client.connect(transport);
		return {
			...actionsOf(client),
			async end() {
				await client.close();
				await rm(directory, { recursive: true, force: true });
			},
		};
	},
};
