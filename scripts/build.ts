import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeFailure, runCommand } from './command.ts';
import { findPackages, repository } from './workspace.ts';

/**
 * Compiles every package into its `dist`. Removes `dist` first: a file whose source was deleted would
 * still be packed and published.
 */
export async function build(): Promise<string> {
	for (const { path } of findPackages()) {
		rmSync(join(repository, path, 'dist'), { recursive: true, force: true });
		rmSync(join(repository, path, 'tsconfig.tsbuildinfo'), { force: true });
	}
	return runCommand('tsc', '-b');
}

if (import.meta.main) {
	console.error(`Building ${findPackages().length} packages …`);
	try {
		await build();
	} catch (failure) {
		console.error(describeFailure(failure));
		process.exitCode = 1;
	}
}
