import { createKey } from '../keys/create-key.ts';
import type { Choices, Runtime } from './choices.ts';
import type { RuntimeFiles } from './runtime-files.ts';

const PORT = 3000;
const NODE = 'node --experimental-strip-types --env-file=.env';

/** By runtime, the end of the entry and the command that starts it. */
const STARTS: Readonly<Record<Exclude<Runtime, 'workers'>, { entry: string; command: string }>> = {
	node: {
		entry: `serve({ fetch: (request) => mcp.fetch(request), port: Number(process.env['PORT'] ?? ${PORT}) }, ({ port }) =>
	console.log(\`Listening on http://localhost:\${port}/mcp\`),
);
`,
		command: `${NODE} src/index.ts`,
	},
	deno: {
		entry: '// `deno serve` calls the `fetch` of the default export.\nexport default mcp;\n',
		command: `deno serve --port ${PORT} --allow-net --allow-env --env-file=.env src/index.ts`,
	},
	bun: {
		entry: `// Bun closes connections that are silent for ten seconds by default; streams send a keep-alive every fifteen.
export default { fetch: mcp.fetch, port: Number(process.env['PORT'] ?? ${PORT}), idleTimeout: 30 };
`,
		command: 'bun --env-file=.env src/index.ts',
	},
};

/** Plans the files of a server on Node.js, Deno or Bun. */
export function processFiles(choices: Choices): RuntimeFiles {
	const { hasTasks, runtime, sessions } = choices;
	const { command } = startOf(runtime);
	const isRedis = sessions === 'redis';
	return {
		files: { 'src/index.ts': processEntry(choices) },
		json: {},
		secrets: { '.env': { TMCP_SESSION_KEYS: createKey } },
		scripts: { dev: command },
		dependencies: [
			...(runtime === 'node' ? ['@hono/node-server'] : []),
			...(isRedis
				? [
						'@tmcp-sessions/info-redis',
						'@tmcp-sessions/redis',
						'@tmcp-sessions/streams-redis',
						'@redis/client',
					]
				: ['@tmcp-sessions/core']),
			...(hasTasks ? ['@tmcp-sessions/tasks'] : []),
		],
		devDependencies: ['@types/node'],
		tsconfig: { module: 'nodenext', types: ['node'] },
		ignored: ['.env'],
		next: [
			'npm install',
			'npm run dev',
			`npx @tmcp-sessions/cli probe http://localhost:${PORT}/mcp`,
		],
	};
}

function startOf(runtime: Runtime): (typeof STARTS)['node'] {
	return STARTS[runtime === 'workers' ? 'node' : runtime];
}

function processEntry({ hasTasks, runtime, sessions }: Choices): string {
	const isRedis = sessions === 'redis';
	const imports = [
		...(runtime === 'node' ? ["import { serve } from '@hono/node-server';"] : []),
		...(isRedis
			? []
			: ["import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';"]),
		"import { createMcpHandler } from '@tmcp-sessions/http';",
		...(isRedis
			? [
					"import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';",
					"import { connectRedis } from '@tmcp-sessions/redis/tcp';",
					"import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';",
				]
			: []),
		...(hasTasks ? ["import { InMemoryTasks } from '@tmcp-sessions/tasks';"] : []),
		"import { createServer } from './server.ts';",
	];
	const managers = isRedis
		? [
				'	info: new RedisInfoSessionManager(redis),',
				'	streams: new RedisStreamSessionManager(redis),',
				'	subscriptions: new RedisSubscriptionManager(redis),',
			]
		: ['	info: new StoredInfoSessionManager(new InMemorySessionStore()),'];
	const lines = [
		...imports,
		'',
		...(isRedis
			? ["const redis = connectRedis(process.env['REDIS_URL'] ?? 'redis://localhost:6379');", '']
			: []),
		'const mcp = createMcpHandler(createServer(), {',
		...managers,
		...(hasTasks ? ['	tasks: new InMemoryTasks({ tools: { generate_report: {} } }),'] : []),
		'});',
		'',
	];
	return `${lines.join('\n')}\n${startOf(runtime).entry}`;
}
