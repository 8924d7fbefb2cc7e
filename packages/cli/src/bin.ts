#!/usr/bin/env node
import { readFileSync } from 'node:fs';

import { runCli } from './command/run-cli.ts';
import { tmcpSessions } from './commands.ts';

const interruption = new AbortController();
// The second Ctrl-C ends the process at once.
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());

// Safe because the manifest of this package has a version.
const { version } = JSON.parse(
	readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

process.exitCode = await runCli(tmcpSessions, version, process.argv.slice(2), {
	stdout: process.stdout,
	stderr: process.stderr,
	isInteractive: process.stdin.isTTY && process.stdout.isTTY && !process.env['CI'],
	env: process.env,
	folder: process.cwd(),
	signal: interruption.signal,
});
