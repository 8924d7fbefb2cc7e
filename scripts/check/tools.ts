import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { CommandFailedError, describeFailure, mapConcurrently, runCommand } from '../command.ts';
import { findPackages, globUnbuilt, repository } from '../workspace.ts';

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
	const outputs = await mapConcurrently(globUnbuilt('tsconfig.json'), (project) =>
		// One run lists the files and reports the errors: half the time of a run for each.
		runCommand('tsc', '-p', project, '--noEmit', '--listFiles').catch(describeFailure),
	);
	for (const line of outputs.flatMap((output) => output.split('\n'))) {
		if (isAbsolute(line)) seen.add(relative(repository, line));
		else problems.push(line);
	}
	const unseen = globUnbuilt('*.ts').filter((file) => !seen.has(file));
	return requireNone([
		...unseen.map((file) => `${file}: no tsconfig.json includes it`),
		...problems.filter((line) => line !== ''),
	]);
}

/** Checks what each package would publish. */
export async function checkPublished(): Promise<string> {
	return checkEachPackage((path) => runCommand('publint', path, '--pack', 'pnpm', '--strict'));
}

/** Checks that the types of each package resolve as its code does. */
export async function checkPublishedTypes(): Promise<string> {
	const directory = await mkdtemp(join(tmpdir(), 'tmcp-sessions-packages-'));
	try {
		return await checkEachPackage(async (path, index) => {
			const tarball = join(directory, `${index}.tgz`);
			// The option --pack of attw runs `npm pack`, which takes 4 s for each package.
			await runCommand('pnpm', '--dir', path, 'pack', '--out', tarball);
			await runCommand('attw', tarball, '--profile', 'esm-only', '--no-color');
		});
	} finally {
		await rm(directory, { recursive: true });
	}
}

async function checkEachPackage(
	check: (path: string, index: number) => Promise<unknown>,
): Promise<string> {
	const failures = await mapConcurrently(findPackages(), async ({ path }, index) => {
		try {
			await check(path, index);
			return [];
		} catch (failure) {
			return [describeFailure(failure)];
		}
	});
	return requireNone(failures.flat());
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
