import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runCommand } from './process.ts';
import { repository } from './reader-environment.ts';

/**
 * Creates a folder with `node`, `bun` and `deno`, as on the machine of a reader who has installed them.
 *
 * @param node the binary of Node.js.
 */
export function linkRuntimes(folder: string, node: string): void {
	mkdirSync(folder, { recursive: true });
	symlinkSync(node, join(folder, 'node'));
	symlinkSync(binaryOf('bun', 'bin/bun'), join(folder, 'bun'));
	symlinkSync(binaryOf('deno', 'deno'), join(folder, 'deno'));
}

/** The Node.js of the repository. */
export const ownNode: string = join(repository, 'node_modules/node/bin/node');

/**
 * Installs a release of Node.js from npm, and returns its binary.
 *
 * @param version a version or a range, such as `22`.
 */
export async function installNode(version: string, folder: string): Promise<string> {
	mkdirSync(folder, { recursive: true });
	// The script of the package links the binary of this machine.
	const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', `node@${version}`];
	await runCommand('npm', args, { cwd: folder, env: process.env });
	return join(folder, 'node_modules/node/bin/node');
}

/** Returns the version of a binary of Node.js, without its `v`. */
export async function versionOfNode(binary: string): Promise<string> {
	const version = await runCommand(binary, ['--version'], { cwd: repository, env: process.env });
	return version.replace(/^v/, '');
}

/** Returns the binary in the package for this platform: the packages' own scripts are not built. */
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
