import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installedFromNpm, kinds, textOf } from '../client-adapter.ts';
import type { ClientAdapter, Kind } from '../client-adapter.ts';

const run = promisify(execFile);
const program = fileURLToPath(
	new URL(
		'../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
		import.meta.url,
	),
);

const TIMEOUT_MS = 60_000;

const lacks: ClientAdapter['lacks'] = {
	progress: 'The command prints only the result.',
	cancel: 'The command cannot be cancelled.',
	elicitation: 'The command cannot respond.',
	notifications: 'The command ends with its result.',
	DELETE: 'The command leaves its sessions to expire.',
};

/** The command line of the MCP Inspector: each step is a process with a session of its own. */
export const inspector: ClientAdapter = adapterOf('session-based', lacks);

/** The command line of the MCP Inspector in the stateless era. */
export const inspectorStateless: ClientAdapter = adapterOf('stateless', {
	...lacks,
	resume: 'A stateless call cannot be resumed: the client calls again.',
	DELETE: 'The stateless era has no sessions.',
});

const methods: Record<Kind, { method: string; key: string; name: string }> = {
	tools: { method: 'tools/list', key: 'tools', name: 'name' },
	resources: { method: 'resources/list', key: 'resources', name: 'uri' },
	templates: { method: 'resources/templates/list', key: 'resourceTemplates', name: 'uriTemplate' },
	prompts: { method: 'prompts/list', key: 'prompts', name: 'name' },
};

function adapterOf(era: ClientAdapter['era'], lacks: ClientAdapter['lacks']): ClientAdapter {
	return {
		package: '@modelcontextprotocol/inspector',
		variant: `CLI, ${era}`,
		era,
		lists: kinds,
		lacks,
		prepare: () => installedFromNpm('@modelcontextprotocol/inspector'),
		async connect(url, { headers = {} } = {}) {
			const send = async (method: string, ...args: string[]): Promise<Record<string, unknown>> => {
				const { stdout } = await run(
					process.execPath,
					[
						program,
						'--cli',
						url.href,
						'--transport',
						'http',
						'--protocol-era',
						era === 'stateless' ? 'modern' : 'legacy',
						...Object.entries(headers).flatMap(([name, value]) => [
							'--header',
							`${name}: ${value}`,
						]),
						'--method',
						method,
						...args,
					],
					{ timeout: TIMEOUT_MS },
				);
				// Safe because the command prints the result of the method as JSON.
				return JSON.parse(stdout) as Record<string, unknown>;
			};
			await send('tools/list');
			return {
				async list(kinds) {
					const listing: Partial<Record<Kind, string[]>> = {};
					for (const kind of kinds) {
						const { method, key, name } = methods[kind];
						// Safe because these results hold lists of objects.
						const items = (await send(method))[key] as Record<string, string>[];
						listing[kind] = items.map((item) => item[name] ?? '');
					}
					return listing;
				},
				async call(name, args) {
					const pairs = Object.entries(args).flatMap(([key, value]) => [
						'--tool-arg',
						`${key}=${String(value)}`,
					]);
					return textOf(await send('tools/call', '--tool-name', name, ...pairs));
				},
				end: async () => undefined,
			};
		},
	};
}
