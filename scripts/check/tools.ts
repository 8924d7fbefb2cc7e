import { CommandFailedError, describeFailure, runCommand } from '../command.ts';
import { findPackages, findUnbuiltProjects } from '../workspace.ts';

/** Runs all commands one after the other and fails with the words of those that failed. */
async function runEach(commands: string[][]): Promise<string> {
	const failures: string[] = [];
	for (const [command = '', ...args] of commands) {
		try {
			await runCommand(command, ...args);
		} catch (failure) {
			failures.push(describeFailure(failure));
		}
	}
	if (failures.length > 0) throw new CommandFailedError(failures.join('\n\n'));
	return '';
}

/** Type-checks what the build does not compile: tests, scripts, examples and benchmarks. */
export function checkTypes(): Promise<string> {
	return runEach(findUnbuiltProjects().map((path) => ['tsc', '-p', path, '--noEmit']));
}

/** Runs a command on every package; `command` gets the package's path. */
export function checkEachPackage(command: (path: string) => string[]): Promise<string> {
	return runEach(findPackages().map(({ path }) => command(path)));
}

/**
 * Checks that the changesets name packages that exist and that a branch which changes a package has
 * one. A checkout without the base branch (a detached one of a CI runner) has nothing to compare
 * with: there the configuration alone is checked.
 */
export async function checkChangesets(): Promise<string> {
	for (const base of ['main', 'origin/main']) {
		try {
			await runCommand('git', 'rev-parse', '--verify', '--quiet', base);
		} catch {
			continue;
		}
		await runCommand('changeset', 'status', ...(base === 'main' ? [] : ['--since', base]));
		return '';
	}
	await runCommand('changeset', 'status', '--since', 'HEAD');
	return 'No branch main to compare with: only the configuration was checked.';
}
