import { renderUsage } from 'citty';
import { stripVTControlCharacters } from 'node:util';

import { CliError } from './cli-error.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { hasColours, paint, printJson, printLine } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** A command that the arguments name. */
interface Named {
	readonly command: Command;
	readonly parent: Command | undefined;
	/** The words of the command, such as `tmcp-sessions keys new`. */
	readonly words: string;
	readonly rest: readonly string[];
}

/** Runs the command that the arguments name, and returns the exit code. Never throws. */
export async function runCli(
	root: Command,
	version: string,
	args: readonly string[],
	terminal: Terminal,
): Promise<ExitCode> {
	const named = findCommand(root, args);
	const options = named.rest.slice(0, endOfOptions(named.rest));
	if (options.some((arg) => arg === '--help' || arg === '-h')) {
		await printUsage(named, terminal);
		return EXIT.passed;
	}
	if (named.command === root && args[0] === '--version') {
		printLine(terminal, version);
		return EXIT.passed;
	}
	try {
		return await named.command.run(named.rest, terminal);
	} catch (error) {
		return reportFailure(error, named, options.includes('--json'), terminal);
	}
}

function endOfOptions(args: readonly string[]): number {
	const index = args.indexOf('--');
	return index === -1 ? args.length : index;
}

function findCommand(root: Command, args: readonly string[]): Named {
	let named: Named = { command: root, parent: undefined, words: nameOf(root), rest: args };
	for (;;) {
		const { command, rest, words } = named;
		const [name = ''] = rest;
		const { commands = {} } = command;
		const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
		if (!found) return named;
		named = { command: found, parent: command, words: `${words} ${name}`, rest: rest.slice(1) };
	}
}

function nameOf({ usage }: Command): string {
	const { meta } = usage;
	// Safe because `createCommand` and `createGroup` set a plain object.
	return (meta as { name: string }).name;
}

async function printUsage({ command, parent }: Named, terminal: Terminal): Promise<void> {
	const usage = await renderUsage(command.usage, parent?.usage);
	printLine(terminal, hasColours(terminal) ? usage : stripVTControlCharacters(usage));
}

function reportFailure(
	error: unknown,
	{ words }: Named,
	isJson: boolean,
	terminal: Terminal,
): ExitCode {
	const { stderr } = terminal;
	if (terminal.signal.aborted) {
		stderr.write('Interrupted\n');
		return EXIT.interrupted;
	}
	if (!(error instanceof CliError)) {
		stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
		stderr.write('This is a fault of tmcp-sessions. Please report it with the lines above\n');
		return EXIT.failed;
	}
	const { exitCode, message } = error;
	if (isJson) printJson(terminal, { error: message });
	else stderr.write(`${paint(terminal, 'red', 'Error:')} ${message}\n`);
	if (exitCode === EXIT.usage && !isJson) stderr.write(`See ${words} --help\n`);
	return exitCode;
}
