import { runCli } from '../src/command/run-cli.ts';
import { tmcpSessions } from '../src/commands.ts';

/** What a command has printed, and its exit code. */
export interface Run {
	readonly exitCode: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** The surroundings of a command. */
export interface Surroundings {
	readonly env?: Readonly<Record<string, string>>;
	readonly folder?: string;
	readonly isTTY?: boolean;
	readonly signal?: AbortSignal;
}

/** Runs a command in this process. */
export async function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Run> {
	const { env = {}, folder = '/nowhere', isTTY = false } = surroundings;
	const printed = { stdout: '', stderr: '' };
	const exitCode = await runCli(tmcpSessions, '1.2.3', args, {
		stdout: { isTTY, write: (text) => void (printed.stdout += text) },
		stderr: { isTTY, write: (text) => void (printed.stderr += text) },
		isInteractive: false,
		env,
		folder,
		signal: surroundings.signal ?? new AbortController().signal,
	});
	return { exitCode, ...printed };
}
