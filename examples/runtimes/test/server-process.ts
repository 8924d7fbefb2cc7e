import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START_MS = 20_000;

/** The runtimes of the example, and frameworks on Node.js. */
export type Runtime = 'bun' | 'deno' | 'edge' | 'express' | 'fastify' | 'node';

/** A server in a child process. */
export interface ServerProcess {
	/** Its MCP endpoint. */
	readonly url: URL;
	/** Returns the output so far. */
	readonly output: () => string;
	stop(): Promise<void>;
}

/** The commands of the README, with a free port. */
const COMMANDS: Record<Runtime, () => string[]> = {
	bun: () => [binaryOf('bun', 'bin/bun'), 'src/bun.ts'],
	deno: () => [
		binaryOf('deno', 'deno'),
		'serve',
		'--host',
		'127.0.0.1',
		'--port',
		'0',
		'--no-prompt',
		'--cached-only',
		'--allow-env',
		'--allow-net',
		'src/deno.ts',
	],
	edge: () => [process.execPath, here('edge-server.ts'), 'app/mcp/route.ts'],
	express: () => [process.execPath, 'src/express.ts'],
	fastify: () => [process.execPath, 'src/fastify.ts'],
	node: () => [process.execPath, 'src/node.ts'],
};

/**
 * Starts the example in the directory of an installed copy.
 *
 * @throws with the output if the server does not print its address.
 */
export async function startServer(
	runtime: Runtime,
	directory: string,
	variables: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
	const [command = '', ...args] = COMMANDS[runtime]();
	const { PATH = '', HOME = '' } = process.env;
	const child = spawn(command, args, {
		cwd: directory,
		env: { PATH, HOME, NO_COLOR: '1', PORT: '0', ...variables },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const closed = once(child, 'close');
	let output = '';
	const stop = async (): Promise<void> => {
		child.kill('SIGKILL');
		await closed;
	};
	const port = await new Promise<string>((resolve, reject) => {
		const fail = (reason: string): void => reject(new Error(`${runtime} ${reason}:\n${output}`));
		const timer = setTimeout(() => fail('did not start'), START_MS);
		const parsePort = (chunk: Buffer): void => {
			output += chunk.toString();
			const [, found] = /https?:\/\/\S+?:(\d+)/.exec(output) ?? [];
			if (found === undefined) return;
			clearTimeout(timer);
			resolve(found);
		};
		child.stdout.on('data', parsePort);
		child.stderr.on('data', parsePort);
		child.on('error', reject);
		child.on('close', () => fail('ended'));
	}).catch(async (error: unknown) => {
		await stop();
		throw error;
	});
	return { url: new URL(`http://127.0.0.1:${port}/mcp`), output: () => output, stop };
}

/**
 * Finds the binary in the optional dependency for this machine; install scripts, which would link it,
 * do not run here.
 */
function binaryOf(name: string, path: string): string {
	const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
	// Safe because these packages list their platform packages there.
	const { optionalDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as {
		optionalDependencies: Record<string, string>;
	};
	const folders = createRequire(manifest).resolve.paths('_') ?? [];
	const found = Object.keys(optionalDependencies)
		.flatMap((dependency) => folders.map((folder) => join(folder, dependency, path)))
		.flatMap((file) => [file, `${file}.exe`])
		.find((file) => existsSync(file));
	if (found === undefined) throw new Error(`${name} has no binary for this machine`);
	return found;
}

function here(path: string): string {
	return fileURLToPath(new URL(path, import.meta.url));
}
