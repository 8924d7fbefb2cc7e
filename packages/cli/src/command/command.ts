import { parseArgs } from 'citty';
import type { ArgsDef, CommandDef, ParsedArgs } from 'citty';

import { CliError } from './cli-error.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** A command or a group of commands. */
export interface Command {
	/** What `--help` shows. */
	readonly usage: CommandDef;
	/** The commands of a group, by name. */
	readonly commands?: Readonly<Record<string, Command>>;
	/** Runs the command with its arguments. */
	run(rawArgs: readonly string[], terminal: Terminal): Promise<ExitCode>;
}

/** What defines a command. */
export interface CommandOptions<Args extends ArgsDef> {
	readonly name: string;
	readonly description: string;
	readonly args: Args;
	/** @param rawArgs for options that may be repeated. */
	run(
		args: ParsedArgs<Args>,
		terminal: Terminal,
		rawArgs: readonly string[],
	): Promise<ExitCode> | ExitCode;
}

/** Creates a command that rejects options and arguments which it does not have. */
export function createCommand<const Args extends ArgsDef>(options: CommandOptions<Args>): Command {
	const { name, description, args } = options;
	return {
		usage: { meta: { name, description }, args },
		async run(rawArgs, terminal) {
			const unknown = rawArgs.find((arg) => isOption(arg) && !isKnown(arg, args));
			if (unknown !== undefined) throw new CliError(`unknown option ${unknown.split('=', 1)[0]}`);
			const parsed = parse<Args>(rawArgs, args);
			const positionals = Object.values(args).filter(({ type }) => type === 'positional').length;
			const extra = parsed._[positionals];
			if (extra !== undefined) throw new CliError(`unexpected argument ${extra}`);
			return options.run(parsed, terminal, rawArgs);
		},
	};
}

/** Creates a group, such as `keys`. */
export function createGroup(
	name: string,
	description: string,
	commands: Readonly<Record<string, Command>>,
): Command {
	const subCommands = Object.fromEntries(
		Object.entries(commands).map(([key, { usage }]) => [key, usage]),
	);
	return {
		usage: { meta: { name, description }, subCommands },
		commands,
		run: ([found]) => {
			const names = Object.keys(commands).join(', ');
			throw new CliError(
				found === undefined
					? `${name} needs a command: ${names}`
					: `unknown command ${found}: expected one of ${names}`,
			);
		},
	};
}

function parse<Args extends ArgsDef>(rawArgs: readonly string[], args: Args): ParsedArgs<Args> {
	try {
		return parseArgs<Args>([...rawArgs], args);
	} catch (error) {
		// citty does not export the class of its errors.
		if (error instanceof Error && error.name === 'CLIError') throw new CliError(error.message);
		throw error;
	}
}

function isOption(arg: string): boolean {
	return arg.startsWith('-') && arg !== '-';
}

function isKnown(arg: string, args: ArgsDef): boolean {
	const name = arg.replace(/^--?/, '').replace(/=[^]*$/, '');
	if (name === 'help' || name === 'h') return true;
	const [, negated = name] = /^no-(.+)$/.exec(name) ?? [];
	return Object.entries(args).some(([key, { type, ...definition }]) => {
		if (type === 'positional') return false;
		const aliases = 'alias' in definition ? [definition.alias ?? []].flat() : [];
		return key === name || aliases.includes(name) || (type === 'boolean' && key === negated);
	});
}

/** Returns every value of an option that may be repeated: citty keeps only the last one. */
export function repeatedOption(rawArgs: readonly string[], name: string): string[] {
	return rawArgs.flatMap((arg, index) => {
		if (arg.startsWith(`--${name}=`)) return [arg.slice(name.length + 3)];
		return arg === `--${name}` ? [rawArgs[index + 1] ?? ''] : [];
	});
}

/** Reads a number from an option. */
export function numberOption(
	name: string,
	value: string | undefined,
	{ min, max }: { readonly min: number; readonly max: number },
): number | undefined {
	if (value === undefined) return undefined;
	const number = Number(value);
	if (value.trim() !== '' && number >= min && number <= max) return number;
	throw new CliError(`--${name} must be a number from ${min} to ${max}; got ${value || 'nothing'}`);
}
