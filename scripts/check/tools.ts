import { isAbsolute, relative } from 'node:path';
import { CommandFailedError, describeFailure, runCommand } from '../command.ts';
import { findPackages, globUnbuilt, repository } from '../workspace.ts';

/** Runs the commands one after the other and resolves with the output of those that failed. */
async function failuresOf(commands: string[][]): Promise<string[]> {
	const failures: string[] = [];
	for (const [command = '', ...args] of commands) {
		try {
			await runCommand(command, ...args);
		} catch (failure) {
			failures.push(describeFailure(failure));
		}
	}
	return failures;
}

function requireNone(failures: string[]): string {
	if (failures.length > 0) throw new CommandFailedError(failures.join('\n\n'));
	return '';
}

/**
 * Type-checks the files that the build does not compile: tests, scripts, examples and benchmarks. Also
 * fails if no tsconfig.json includes one of these files.
 */
export async function checkTypes(): Promise<string> {
	const seen = new Set<string>();
	const problems: string[] = [];
	for (const project of globUnbuilt('tsconfig.json')) {
		// One run lists the files and reports the errors: half the time of a run for each.
		const tsc = runCommand('tsc', '-p', project, '--noEmit', '--listFiles');
		for (const line of (await tsc.catch(describeFailure)).split('\n')) {
			if (isAbsolute(line)) seen.add(relative(repository, line));
			else problems.push(line);
		}
	}
	const unseen = globUnbuilt('*.ts').filter((file) => !seen.has(file));
	return requireNone([
		...unseen.map((file) => `${file}: no tsconfig.json includes it`),
		...problems.filter((line) => line !== ''),
	]);
}

/** Runs a command for each package; `command` gets the path of the package. */
export async function checkEachPackage(command: (path: string) => string[]): Promise<string> {
	return requireNone(await failuresOf(findPackages().map(({ path }) => command(path))));
}

/**
 * Checks that the changesets name existing packages, and that a branch which changes a package has
 * one. Without a branch `main` to compare with (a detached checkout), only the configuration is
 * checked; without any commit, nothing is.
 */
export async function checkChangesets(): Promise<string> {
	for (const base of ['main', 'origin/main']) {
		if (!(await isCommit(base))) continue;
		await runCommand('changeset', 'status', ...(base === 'main' ? [] : ['--since', base]));
		return '';
	}
	if (!(await isCommit('HEAD'))) return 'git has no commit to compare with: nothing was checked.';
	await runCommand('changeset', 'status', '--since', 'HEAD');
	return 'No branch main to compare with: only the configuration was checked.';
}

async function isCommit(name: string): Promise<boolean> {
	try {
		await runCommand('git', 'rev-parse', '--verify', '--quiet', name);
		return true;
	} catch {
		return false;
	}
}
