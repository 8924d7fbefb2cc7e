import { resolve } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import { createCommand } from '../command/command.ts';
import type { Command } from '../command/command.ts';
import { EXIT } from '../command/exit-codes.ts';
import { paint, printJson, printLine } from '../command/terminal.ts';
import type { Terminal } from '../command/terminal.ts';
import { ProbeError } from '../probe/probe-error.ts';
import { readHeaders } from '../probe/read-options.ts';
import { printResult } from '../probe/report/text-report.ts';
import { probe } from '../probe/run-probe.ts';
import type { ProbeReport } from '../probe/run-probe.ts';
import { diagnose } from './diagnose.ts';
import { readConfig } from './find-config.ts';
import type { Problem } from './problem.ts';
import type { WranglerConfig } from './read-config.ts';
import { checkManifest } from './read-manifest.ts';
import { applyRepair } from './repair.ts';

/** `tmcp-sessions doctor`. */
export const doctorCommand: Command = createCommand({
	name: 'doctor',
	description: 'Compares the code of a Worker with its configuration, and names file, line and fix',
	args: {
		folder: { type: 'positional', default: '.', description: 'The folder of the Worker' },
		config: { type: 'string', valueHint: 'file', description: 'Another name of the configuration' },
		fix: { type: 'boolean', description: 'Make the changes that are safe' },
		url: {
			type: 'string',
			valueHint: 'url',
			description: 'Also probe the deployment at this address',
		},
		'bearer-env': {
			type: 'string',
			valueHint: 'variable',
			description: 'With --url: send the bearer token of this environment variable',
		},
		json: { type: 'boolean', description: 'Print JSON' },
	},
	async run(args, terminal) {
		const folder = resolve(terminal.folder, args.folder);
		checkManifest(folder);
		const check = (): Promise<Problem[]> => diagnose(folder, readConfig(folder, args.config));
		let problems = await check();
		const fixed: Problem[] = [];
		// Each change moves the places of the others: make one, and look again.
		for (let next = nextRepair(problems, fixed); args.fix && next;) {
			applyRepair(folder, readConfig(folder, args.config).file, next.repair);
			fixed.push(next);
			problems = await check();
			next = nextRepair(problems, fixed);
		}
		const config = readConfig(folder, args.config);
		const headers = readHeaders([], args['bearer-env'], terminal);
		if (!args.json) {
			print(terminal, problems, fixed);
			if (args.fix) printUnedited(terminal, problems, config);
		}
		const deployment =
			args.url === undefined
				? undefined
				: await probeDeployment(args.url, headers, args.json, terminal);
		if (args.json) printJson(terminal, { problems, fixed, ...(deployment && { deployment }) });
		const hasFailed =
			problems.some(({ severity }) => severity === 'error') || deployment?.status === 'failed';
		return hasFailed ? EXIT.failed : EXIT.passed;
	},
});

/** @throws {CliError} if the address cannot be probed. */
async function probeDeployment(
	url: string,
	headers: Readonly<Record<string, string>>,
	isJson: boolean | undefined,
	terminal: Terminal,
): Promise<ProbeReport> {
	if (!isJson) printLine(terminal);
	try {
		return await probe(url, {
			headers,
			signal: terminal.signal,
			...(!isJson && { onResult: (result) => printResult(terminal, result) }),
		});
	} catch (error) {
		if (!(error instanceof ProbeError)) throw error;
		throw new CliError(`${error.message}: ${error.fix}`, EXIT.unreachable);
	}
}

type Repairable = Problem & Required<Pick<Problem, 'repair'>>;

/** Returns a problem with a change that was not made yet. */
function nextRepair(
	problems: readonly Problem[],
	fixed: readonly Problem[],
): Repairable | undefined {
	return problems.find(
		(problem): problem is Repairable =>
			problem.repair !== undefined && !fixed.some(({ message }) => message === problem.message),
	);
}

function print(terminal: Terminal, problems: readonly Problem[], fixed: readonly Problem[]): void {
	for (const { file, message, repair } of fixed) {
		const changed = repair && 'file' in repair ? repair.file : file;
		printLine(terminal, `${paint(terminal, 'green', 'fixed')} ${changed}: ${message}`);
	}
	for (const { file, fix, line, message, repair, severity } of problems) {
		const colour = severity === 'error' ? 'red' : 'yellow';
		printLine(terminal, `${paint(terminal, colour, severity)} ${file}:${line} ${message}`);
		printLine(terminal, `    fix: ${fix.replaceAll('\n', '\n      ')}`);
		if (repair) printLine(terminal, '    --fix does this');
	}
	const errors = problems.filter(({ severity }) => severity === 'error').length;
	const warnings = problems.length - errors;
	printLine(
		terminal,
		problems.length === 0
			? 'No problems found'
			: `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`,
	);
}

/** Names the configuration that `--fix` does not edit, if it has problems. */
function printUnedited(
	terminal: Terminal,
	problems: readonly Problem[],
	{ file, format }: WranglerConfig,
): void {
	if (format !== 'toml' || !problems.some((problem) => problem.file === file)) return;
	printLine(terminal, `--fix does not edit ${file}: make the changes above yourself`);
}

function counted(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
