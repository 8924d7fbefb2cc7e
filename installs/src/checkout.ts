import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from './reader-environment.ts';
import { runCommand } from './process.ts';

/** The pnpm of the root scripts. */
export const pnpm = ['-y', 'pnpm@12.21.0'] as const;

/**
 * Copies the repository's files as they are now, with the built packages and the dependencies, so that
 * versions can be changed there and examples can be run. The copy is a repository with one commit.
 */
export async function copyRepository(folder: string): Promise<void> {
	const here = { cwd: repository, env: process.env };
	const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
	const files = (await runCommand('git', list, here)).split('\0').filter(Boolean);
	for (const file of files) {
		if (!existsSync(join(repository, file))) continue;
		mkdirSync(dirname(join(folder, file)), { recursive: true });
		cpSync(join(repository, file), join(folder, file));
	}
	const there = { cwd: folder, env: process.env };
	await runCommand('git', ['init', '-q', '-b', 'main'], there);
	await runCommand('git', ['add', '-A'], there);
	const author = ['-c', 'user.name=installs', '-c', 'user.email=installs@localhost'];
	await runCommand('git', [...author, 'commit', '-q', '-m', 'copy'], there);
	await runCommand('npx', [...pnpm, 'install', '--frozen-lockfile', '--prefer-offline'], there);
	for (const file of files.filter((path) => /^packages\/[\w-]+\/package\.json$/.test(path))) {
		const dist = join(dirname(file), 'dist');
		cpSync(join(repository, dist), join(folder, dist), { recursive: true });
	}
}
