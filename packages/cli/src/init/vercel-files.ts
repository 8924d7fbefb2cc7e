import { createKey } from '../keys/create-key.ts';
import type { Choices } from './choices.ts';
import { HANDLERS, hasPrincipal, itemsIf } from './handler-code.ts';
import { probeSteps, processPrincipal, tokenSecrets } from './principal-file.ts';
import type { RuntimeFiles } from './runtime-files.ts';

const PORT = 3000;
const MAX_SECONDS = 300;
/** A little less than `MAX_SECONDS`, after which Vercel ends a request. */
const STREAM_SECONDS = MAX_SECONDS - 10;

/** Plans the files of a function of Vercel, and of a server of Node.js for development. */
export function vercelFiles(choices: Choices): RuntimeFiles {
	const { authentication, sessions } = choices;
	const isUpstash = sessions === 'upstash';
	return {
		files: {
			'api/mcp.ts': functionEntry(choices),
			'src/dev.ts': developmentServer,
			// With this folder, Vercel serves no other file as a page.
			'public/robots.txt': 'User-agent: *\nDisallow: /\n',
			...(hasPrincipal(choices) && { 'src/principal.ts': processPrincipal }),
		},
		json: {
			'vercel.json': {
				functions: { 'api/mcp.ts': { maxDuration: MAX_SECONDS } },
				rewrites: [{ source: '/mcp', destination: '/api/mcp' }],
			},
		},
		secrets: { '.env': { TMCP_SESSION_KEYS: createKey, ...tokenSecrets(authentication) } },
		scripts: { dev: 'node --experimental-strip-types --env-file=.env src/dev.ts' },
		dependencies: [
			'@vercel/functions',
			...(isUpstash
				? [
						'@tmcp-sessions/info-upstash',
						'@tmcp-sessions/redis',
						'@tmcp-sessions/streams-redis',
						'@upstash/redis',
					]
				: ['@tmcp-sessions/info-sealed']),
		],
		devDependencies: ['@hono/node-server', '@types/node'],
		// Vercel compiles each file by itself, and does not change imports otherwise.
		compilerOptions: { module: 'nodenext', types: ['node'], rewriteRelativeImportExtensions: true },
		folders: ['api', 'src'],
		ignored: ['.env', '.vercel'],
		next: [
			'npm install',
			...(isUpstash
				? ['# Add UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN of your database to .env']
				: []),
			'npm run dev',
			...probeSteps(`http://localhost:${PORT}/mcp`, authentication),
		],
	};
}

function functionEntry(choices: Choices): string {
	const { library, sessions } = choices;
	const isUpstash = sessions === 'upstash';
	const lines = [
		HANDLERS[library].import,
		...itemsIf(
			isUpstash,
			"import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';",
			"import { connectUpstash } from '@tmcp-sessions/redis/upstash';",
			"import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';",
		),
		...itemsIf(
			!isUpstash,
			"import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';",
		),
		"import { waitUntil } from '@vercel/functions';",
		...itemsIf(hasPrincipal(choices), "import { principal } from '../src/principal.ts';"),
		"import { createServer } from '../src/server.ts';",
		'',
		...itemsIf(
			isUpstash,
			'const redis = connectUpstash({',
			"	url: process.env['UPSTASH_REDIS_REST_URL'] ?? '',",
			"	token: process.env['UPSTASH_REDIS_REST_TOKEN'] ?? '',",
			'});',
			'// A little less than maxDuration in vercel.json: clients resume their streams.',
			`const maxStreamSeconds = ${STREAM_SECONDS};`,
			'',
		),
		`const mcp = ${HANDLERS[library].create}`,
		...itemsIf(
			isUpstash,
			'	info: UpstashInfoSessionManager.fromEnv(),',
			'	streams: new RedisStreamSessionManager(redis, { maxStreamSeconds }),',
			'	subscriptions: new RedisSubscriptionManager(redis, { maxStreamSeconds }),',
		),
		...itemsIf(
			!isUpstash,
			"	info: new SealedInfoSessionManager({ keys: [process.env['TMCP_SESSION_KEYS'] ?? ''] }),",
		),
		...itemsIf(hasPrincipal(choices), '	principal,'),
		'});',
		'',
		'// With waitUntil, what a tool sends right before it returns is delivered after the response.',
		'export default {',
		'	fetch: (request: Request): Promise<Response> => mcp.fetch(request, {}, { waitUntil }),',
		'};',
	];
	return `${lines.join('\n')}\n`;
}

const developmentServer = `import { serve } from '@hono/node-server';
import mcp from '../api/mcp.ts';

serve({ fetch: mcp.fetch, port: Number(process.env['PORT'] ?? ${PORT}) }, ({ port }) =>
	console.log(\`Listening on http://localhost:\${port}/mcp\`),
);
`;
