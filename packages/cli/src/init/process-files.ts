import { createKey } from '../keys/create-key.ts';
import type { Choices, ProcessRuntime } from './choices.ts';
import { HANDLERS, hasPrincipal, itemsIf } from './handler-code.ts';
import { probeSteps, processPrincipal, tokenSecrets } from './principal-file.ts';
import type { RuntimeFiles } from './runtime-files.ts';

const PORT = 3000;
const NODE = 'node --experimental-strip-types --env-file=.env';

/** By runtime, the end of the entry and the command that starts it. */
const STARTS: Readonly<Record<ProcessRuntime, { entry: string; command: string }>> = {
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
export function processFiles(choices: Choices, runtime: ProcessRuntime): RuntimeFiles {
	const { authentication, hasTasks, sessions } = choices;
	const { command } = STARTS[runtime];
	const isRedis = sessions === 'redis';
	return {
		files: {
			'src/index.ts': processEntry(choices, runtime),
			...(hasPrincipal(choices) && { 'src/principal.ts': processPrincipal }),
		},
		json: {},
		secrets: { '.env': { TMCP_SESSION_KEYS: createKey, ...tokenSecrets(authentication) } },
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
			...(hasTasks && isRedis ? ['@tmcp-sessions/tasks-redis', 'bullmq'] : []),
		],
		devDependencies: ['@types/node'],
		compilerOptions: { module: 'nodenext', types: ['node'] },
		folders: ['src'],
		ignored: ['.env'],
		next: [
			'npm install',
			...(isRedis ? ['# Start Redis, or add its REDIS_URL to .env'] : []),
			'npm run dev',
			...probeSteps(`http://localhost:${PORT}/mcp`, authentication),
		],
	};
}

function processEntry(choices: Choices, runtime: ProcessRuntime): string {
	const { hasTasks, library, sessions } = choices;
	const isRedis = sessions === 'redis';
	const lines = [
		...itemsIf(runtime === 'node', "import { serve } from '@hono/node-server';"),
		...itemsIf(
			!isRedis,
			"import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';",
		),
		HANDLERS[library].import,
		...itemsIf(
			isRedis,
			"import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';",
			"import { connectRedis } from '@tmcp-sessions/redis/tcp';",
			"import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';",
		),
		...itemsIf(hasTasks && !isRedis, "import { InMemoryTasks } from '@tmcp-sessions/tasks';"),
		...itemsIf(hasTasks && isRedis, "import { RedisTasks } from '@tmcp-sessions/tasks-redis';"),
		...itemsIf(hasPrincipal(choices), "import { principal } from './principal.ts';"),
		"import { createServer } from './server.ts';",
		'',
		...itemsIf(
			isRedis,
			"const redis = connectRedis(process.env['REDIS_URL'] ?? 'redis://localhost:6379');",
			'',
		),
		`const mcp = ${HANDLERS[library].create}`,
		...itemsIf(
			isRedis,
			'	info: new RedisInfoSessionManager(redis),',
			'	streams: new RedisStreamSessionManager(redis),',
			'	subscriptions: new RedisSubscriptionManager(redis),',
		),
		...itemsIf(!isRedis, '	info: new StoredInfoSessionManager(new InMemorySessionStore()),'),
		...itemsIf(
			hasTasks,
			`	tasks: new ${isRedis ? 'RedisTasks(redis, ' : 'InMemoryTasks('}{ tools: { generate_report: {} } }),`,
		),
		...itemsIf(hasPrincipal(choices), '	principal,'),
		'});',
		'',
	];
	return `${lines.join('\n')}\n${STARTS[runtime].entry}`;
}
