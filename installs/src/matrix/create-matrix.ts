import { join } from 'node:path';
import { parseDocument } from '../documents/document.ts';
import { runDocument } from '../documents/run-document.ts';
import { Limit } from '../lock.ts';
import { readerEnvironment } from '../reader-environment.ts';
import type { MatrixRun } from './install-matrix.ts';

/** Every runtime and pair of managers that `npm create tmcp-sessions` offers, and both libraries. */
const servers: readonly string[] = [
	'workers kv',
	'workers kv --tasks',
	'workers kv --library sdk',
	'workers durable-object',
	'workers sealed',
	'workers session-object',
	'workers session-object --library sdk',
	'node memory --tasks',
	'node memory --library sdk',
	'node redis --tasks',
	'deno memory',
	'deno redis --library sdk',
	'bun memory',
	'bun redis --tasks',
	'vercel sealed',
];

/** Creates each server with three commands, and has the official clients call a tool of it. */
export async function runCreateMatrix(run: MatrixRun): Promise<void> {
	const { keep, networks, report } = run;
	const ports = new Limit(1);
	const chosen = servers.filter((server) => new RegExp(run.filter).test(server));
	await Promise.all(
		chosen.map((server) =>
			run.workers.run(async () => {
				const folder = join(run.folder, server.replaceAll(/\W+/g, '-'));
				const env = readerEnvironment(join(folder, 'home'), run.shared, run.registry);
				const document = parseDocument(`npm create: ${server}`, pageOf(server));
				await runDocument(document, {
					folder,
					checkout: folder,
					env,
					networks,
					ports,
					report,
					keep,
				});
			}),
		),
	);
}

/** Returns the page of a reader who chooses the server. */
function pageOf(server: string): string {
	const [, runtime = '', sessions = '', rest = ''] = /^(\S+) (\S+)(.*)$/.exec(server) ?? [];
	const options = `--runtime ${runtime} --sessions ${sessions}${rest}`;
	const redis = sessions === 'redis' ? "redis-server --save '' > /dev/null & " : '';
	return `
\`\`\`sh
npm create tmcp-sessions@latest my-server -- ${options} --yes
cd my-server && npm install
\`\`\`

\`\`\`sh
npm run types
npm test
\`\`\`

\`\`\`sh
${redis}npm run dev
\`\`\`
`;
}
