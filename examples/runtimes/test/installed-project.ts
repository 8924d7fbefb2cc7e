import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const PACKED = [
	'core',
	'http',
	'info-redis',
	'info-sealed',
	'info-upstash',
	'redis',
	'streams-redis',
	'tasks',
	'tasks-redis',
];
const LINKED = [
	'@hono/node-server',
	'@redis/client',
	'@tmcp/transport-http',
	'@upstash/redis',
	'@vercel/functions',
	'bullmq',
	'express',
	'fastify',
	'hono',
	'tmcp',
];

/** A copy of this example with the packages as npm installs them: packed and unpacked. */
export interface InstalledProject {
	readonly directory: string;
	remove(): Promise<void>;
}

/** Copies the example and installs the packages. Requires a build: it packs `dist`. */
export async function installProject(): Promise<InstalledProject> {
	const directory = await mkdtemp(join(tmpdir(), 'tmcp-sessions-runtimes-'));
	const modules = join(directory, 'node_modules');
	const family = join(modules, '@tmcp-sessions');
	await mkdir(family, { recursive: true });
	const packages = PACKED.map((name) => here(`../../../packages/${name}`));
	await run('npm', ['pack', '--silent', '--pack-destination', family, ...packages]);
	for (const tarball of await readdir(family)) {
		const name =
			PACKED.find((each) => new RegExp(`^tmcp-sessions-${each}-\\d`).test(tarball)) ?? tarball;
		const target = join(family, name);
		await mkdir(target);
		await run('tar', ['-xzf', join(family, tarball), '--strip-components=1', '-C', target]);
	}
	const linked = [
		...LINKED.map((name) => [name, '..']),
		// The dependencies of the packages that are no peers.
		['@tmcp/session-manager', '../../../packages/core'],
		['uri-template-matcher', '../../../packages/http'],
		['@standard-schema/spec', '../../../packages/tasks'],
	];
	for (const [name = '', from = ''] of linked) {
		await mkdir(dirname(join(modules, name)), { recursive: true });
		await symlink(await realpath(here(`${from}/node_modules/${name}`)), join(modules, name));
	}
	for (const folder of ['app', 'src']) {
		await cp(here(`../${folder}`), join(directory, folder), { recursive: true });
	}
	await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
	return { directory, remove: () => rm(directory, { recursive: true }) };
}
