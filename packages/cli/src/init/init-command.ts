import { existsSync, readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { CliError, InterruptedError } from '../command/cli-error.ts';
import { createCommand } from '../command/command.ts';
import type { Command } from '../command/command.ts';
import { EXIT } from '../command/exit-codes.ts';
import { printJson, printLine } from '../command/terminal.ts';
import type { Terminal } from '../command/terminal.ts';
import { askFor, askWhether } from './ask.ts';
import {
	AUTHENTICATION,
	AUTHENTICATION_OF,
	LIBRARIES,
	RUNTIMES,
	SESSIONS,
	SESSIONS_OF,
	checkChoices,
	whyNoTasks,
} from './choices.ts';
import type { Choices, Runtime } from './choices.ts';
import { versionOf } from './dependency-versions.ts';
import { planChanges } from './plan-changes.ts';
import type { FileChange } from './plan-changes.ts';
import { projectFiles } from './project-files.ts';
import { showChanges } from './show-changes.ts';
import { writeChanges } from './write-changes.ts';

const namesOf = (meanings: object): string[] => Object.keys(meanings);

/** `tmcp-sessions init`. */
export const initCommand: Command = createCommand({
	name: 'init',
	description: 'Writes a server that runs, or adds one to a project',
	args: {
		folder: { type: 'positional', default: '.', description: 'The folder of the project' },
		name: { type: 'string', valueHint: 'name', description: 'Default: the name of the folder' },
		runtime: { type: 'enum', options: namesOf(RUNTIMES), description: 'Default: workers' },
		sessions: {
			type: 'enum',
			options: namesOf(SESSIONS),
			description: 'Where sessions are; default: kv on workers, sealed on vercel, memory elsewhere',
		},
		library: { type: 'enum', options: namesOf(LIBRARIES), description: 'Default: tmcp' },
		auth: { type: 'enum', options: namesOf(AUTHENTICATION), description: 'Default: none' },
		tasks: { type: 'boolean', description: 'Add a tool that runs as a task' },
		yes: {
			type: 'boolean',
			alias: 'y',
			description: 'Ask nothing: take the defaults, and edit a folder that is not empty',
		},
		overwrite: { type: 'boolean', description: 'Replace files that exist' },
		'dry-run': { type: 'boolean', description: 'Show what would be written' },
		json: { type: 'boolean', description: 'Print JSON' },
	},
	async run(args, terminal) {
		const folder = resolve(terminal.folder, args.folder);
		const isAsking = terminal.isInteractive && !args.yes && !args.json;
		const choices = await choose(args, folder, isAsking);
		checkChoices(choices);
		const planned = projectFiles(choices, versionOf);
		const changes = planChanges(folder, planned);
		if (!args.json) showChanges(terminal, changes);
		if (!args['dry-run']) {
			const consent = { isAsking, isYes: args.yes === true, mayReplace: args.overwrite === true };
			await requireConsent(folder, changes, consent);
			if (terminal.signal.aborted) throw new InterruptedError();
			writeChanges(folder, changes);
		}
		report(terminal, changes, planned.next, {
			isDry: args['dry-run'] === true,
			isJson: args.json === true,
			folder,
		});
		return EXIT.passed;
	},
});

/** The options as citty returns them: it has checked the names. */
interface Values {
	readonly name?: string | undefined;
	readonly runtime?: string | undefined;
	readonly sessions?: string | undefined;
	readonly library?: string | undefined;
	readonly auth?: string | undefined;
	readonly tasks?: boolean | undefined;
}

async function choose(values: Values, folder: string, isAsking: boolean): Promise<Choices> {
	const pick = async <Value extends string>(
		given: string | undefined,
		question: string,
		names: readonly Value[],
		meanings: Readonly<Record<Value, string>>,
	): Promise<Value> => {
		// Safe because citty rejects other names.
		if (given !== undefined) return given as Value;
		const [first] = names;
		if (first === undefined) throw new CliError(`nothing to choose for: ${question}`);
		return isAsking ? askFor(question, names, meanings) : first;
	};
	const runtimes: readonly Runtime[] = ['workers', 'node', 'deno', 'bun', 'vercel'];
	const runtime = await pick(values.runtime, 'Where does the server run?', runtimes, RUNTIMES);
	const possible = SESSIONS_OF[runtime];
	const sessions = await pick(values.sessions, 'Where are sessions?', possible, SESSIONS);
	const library = await pick(
		values.library,
		'Which server library?',
		['tmcp', 'sdk'] as const,
		LIBRARIES,
	);
	const authentication = await pick(
		values.auth,
		'How do users sign in?',
		AUTHENTICATION_OF[runtime],
		AUTHENTICATION,
	);
	const hasTasks =
		values.tasks ??
		(isAsking &&
			whyNoTasks({ library, runtime, sessions }) === undefined &&
			(await askWhether('Do tools take minutes (tasks)?', false)));
	return {
		name: values.name ?? defaultName(folder),
		runtime,
		sessions,
		library,
		authentication,
		hasTasks,
	};
}

function defaultName(folder: string): string {
	const name = basename(folder)
		.toLowerCase()
		.replaceAll(/[^a-z\d-]+/g, '-');
	return name.replaceAll(/^-+|-+$/g, '').slice(0, 63) || 'my-mcp-server';
}

interface Consent {
	readonly isAsking: boolean;
	readonly isYes: boolean;
	readonly mayReplace: boolean;
}

/** @throws {CliError} if the user does not want the changes. */
async function requireConsent(
	folder: string,
	changes: readonly FileChange[],
	{ isAsking, isYes, mayReplace }: Consent,
): Promise<void> {
	const replaced = changes.filter(({ replaces }) => replaces).map(({ path }) => path);
	if (isAsking) {
		const question = replaced.length > 0 ? `Write, and replace ${replaced.join(', ')}?` : 'Write?';
		if (await askWhether(question, replaced.length === 0)) return;
		throw new InterruptedError();
	}
	if (replaced.length > 0 && !mayReplace) {
		throw new CliError(
			`${replaced.join(', ')} would be replaced: look at --dry-run, and pass --overwrite to do it`,
		);
	}
	const isEmpty = !existsSync(folder) || readdirSync(folder).every((name) => name === '.git');
	if (!isEmpty && !isYes) {
		throw new CliError(
			`the folder ${folder} is not empty: look at --dry-run, and pass --yes to add to it`,
		);
	}
}

function report(
	terminal: Terminal,
	changes: readonly FileChange[],
	next: readonly string[],
	{
		folder,
		isDry,
		isJson,
	}: { readonly folder: string; readonly isDry: boolean; readonly isJson: boolean },
): void {
	if (isJson) {
		const files = changes.map(({ before, path, replaces }) => ({
			path,
			change: before === undefined ? 'create' : replaces ? 'replace' : 'edit',
		}));
		printJson(terminal, { folder, isWritten: !isDry, files, next });
		return;
	}
	if (changes.length === 0) printLine(terminal, 'Nothing to change');
	if (isDry) {
		printLine(terminal, 'Nothing was written');
		return;
	}
	const change = folder === terminal.folder ? [] : [`cd ${folder}`];
	printLine(terminal, '\nNext:\n');
	for (const command of [...change, ...next]) printLine(terminal, `  ${command}`);
}
