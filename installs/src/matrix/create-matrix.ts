import { join } from 'node:path';
import { parseDocument } from '../documents/document.ts';
import { runDocument } from '../documents/run-document.ts';
import { Limit } from '../lock.ts';
import { WITHOUT_NETWORK } from '../network/reader-network.ts';
import { readerEnvironment } from '../reader-environment.ts';
import type { CreateResult } from './create-results.ts';
import type { MatrixRun } from './install-matrix.ts';

/**
 * Every runtime and kind of sessions that `npm create tmcp-sessions` offers, with both libraries, tasks and
 * an OAuth provider.
 */
const servers: readonly string[] = [
	'workers kv',
	'workers kv --tasks',
	'workers kv --library sdk --tasks',
	'workers kv --auth oauth-provider',
	'workers durable-object',
	'workers durable-object --library sdk --auth oauth-provider',
	'workers sealed',
	'workers session-object --tasks',
	'workers session-object --library sdk',
	'workers session-object --auth oauth-provider',
	'node memory --tasks',
	'node memory --library sdk --tasks',
	'node redis --tasks',
	'node redis --library sdk --tasks',
	'deno memory --tasks',
	'deno redis --library sdk --tasks',
	'bun memory --library sdk',
	'bun redis --tasks',
	'vercel sealed',
	'vercel upstash --library sdk',
];

/** Creates each server with three commands, and has the official clients call a tool of it. */
export async function runCreateMatrix(run: MatrixRun): Promise<CreateResult[]> {
	const ports = new Limit(1);
	const chosen = servers.filter((server) => new RegExp(run.filter).test(server));
	return Promise.all(
		chosen.map((server) =>
			run.workers.run(async () => {
				const start = performance.now();
				const passed = await runPage(run, ports, server, pageOf(server));
				const seconds = Math.round((performance.now() - start) / 1000);
				return { server, passed, commands: COMMANDS, seconds };
			}),
		),
	);
}

/** Runs `init` of an installed package on a machine without a network. */
export async function runWithoutNetwork(run: MatrixRun): Promise<void> {
	const title = 'init without a network';
	if (!new RegExp(run.filter).test(title)) return;
	if (!run.networks.canIsolate) {
		run.report.skip(title, 'this machine does not let a process have another network');
		return;
	}
	const page = `
\`\`\`sh
npm init -y && npm install @tmcp-sessions/cli@latest
\`\`\`

<!-- prints: npm install -->

\`\`\`sh
${WITHOUT_NETWORK} npx tmcp-sessions init my-server --yes
\`\`\`

\`\`\`sh
cd my-server && npm install
npm run types
\`\`\`
`;
	await runPage(run, new Limit(1), title, page);
}

async function runPage(
	{ folder: parent, keep, networks, registry, report, shared }: MatrixRun,
	ports: Limit,
	title: string,
	page: string,
): Promise<boolean> {
	const folder = join(parent, title.replaceAll(/\W+/g, '-'));
	const env = readerEnvironment(join(folder, 'home'), shared, registry);
	const surroundings = { folder, checkout: folder, env, networks, ports, report, keep };
	return runDocument(parseDocument(`npm create: ${title}`, page), surroundings);
}

/** What a reader types until a tool answers: `npm create`, `npm install`, and the server or its tests. */
const COMMANDS = 3;

/** Returns the page of a reader who chooses the server. */
function pageOf(server: string): string {
	const [, runtime = '', sessions = '', rest = ''] = /^(\S+) (\S+)(.*)$/.exec(server) ?? [];
	const options = `--runtime ${runtime} --sessions ${sessions}${rest}`;
	const redis = sessions === 'redis' ? "redis-server --save '' > /dev/null & " : '';
	// The tests of an OAuth provider sign in, which the clients of this matrix do not; Upstash is not here.
	const isServed = !rest.includes('oauth-provider') && sessions !== 'upstash';
	return `
\`\`\`sh
npm create tmcp-sessions@latest my-server -- ${options} --yes
cd my-server && npm install
\`\`\`

\`\`\`sh
npm run types
npm test
\`\`\`
${isServed ? `\n\`\`\`sh\n${redis}npm run dev\n\`\`\`\n` : ''}`;
}
