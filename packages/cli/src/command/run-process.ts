import { readFileSync } from 'node:fs';

import type { Command } from './command.ts';
import { runCli } from './run-cli.ts';

/** Runs a command in the terminal of this process, and sets its exit code. */
export async function runProcess(root: Command, args: readonly string[]): Promise<void> {
	const interruption = new AbortController();
	// The second Ctrl-C ends the process at once.
	process.once('SIGINT', () => interruption.abort());
	process.once('SIGTERM', () => interruption.abort());
	// Safe because the manifest of this package has a version.
	const { version } = JSON.parse(
		readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
	) as { version: string };
	process.exitCode = await runCli(root, version, args, {
		stdout: process.stdout,
		stderr: process.stderr,
		isInteractive: process.stdin.isTTY && process.stdout.isTTY && !process.env['CI'],
		env: process.env,
		folder: process.cwd(),
		signal: interruption.signal,
	});
}
