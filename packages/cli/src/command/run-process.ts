import { readFileSync } from 'node:fs';

import type { Command } from './command.ts';
import { runCli } from './run-cli.ts';

/** Runs a command in the terminal of this process, and sets its exit code. */
export async function runProcess(root: Command, args: readonly string[]): Promise<void> {
	const interruption = new AbortController();
	// The second Ctrl-C ends the process at once.
	process.once('SIGINT', () => interruption.abort());
	process.once('SIGTERM', () => interruption.abort());
	const hasReader = endWithReader(interruption);
	// Safe because the manifest of this package has a version.
	const { version } = JSON.parse(
		readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
	) as { version: string };
	process.exitCode = await runCli(root, version, args, {
		stdout: process.stdout,
		stderr: {
			isTTY: process.stderr.isTTY,
			write: (text) => hasReader() && process.stderr.write(text),
		},
		isInteractive: process.stdin.isTTY && process.stdout.isTTY && !process.env['CI'],
		env: process.env,
		folder: process.cwd(),
		signal: interruption.signal,
	});
}

/**
 * A reader such as `head` may close the output: the command then ends without a message.
 *
 * @returns a function that says whether the output is open.
 */
function endWithReader(interruption: AbortController): () => boolean {
	let hasReader = true;
	for (const stream of [process.stdout, process.stderr]) {
		stream.on('error', (error: NodeJS.ErrnoException) => {
			if (error.code !== 'EPIPE') throw error;
			hasReader = false;
			interruption.abort();
		});
	}
	return () => hasReader;
}
