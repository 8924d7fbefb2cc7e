import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import { createCommand, createGroup } from '../command/command.ts';
import type { Command } from '../command/command.ts';
import { EXIT } from '../command/exit-codes.ts';
import { printJson, printLine } from '../command/terminal.ts';
import type { Terminal } from '../command/terminal.ts';
import { createKey } from './create-key.ts';
import { ROTATION_STEPS, rotateKeys } from './rotate-keys.ts';
import type { RotationStep } from './rotate-keys.ts';
import { readVariable, withVariable } from './vars-file.ts';

const DEFAULT_NAME = 'TMCP_SESSION_KEYS';
/** Only the owner may read a file with keys. */
const OWNER_ONLY = 0o600;

const name = {
	type: 'string',
	default: DEFAULT_NAME,
	valueHint: 'variable',
	description: 'The variable that holds the keys',
} as const;
const json = { type: 'boolean', description: 'Print JSON' } as const;

const newCommand = createCommand({
	name: 'new',
	description: 'Prints a new session key, or writes it into a file',
	args: {
		file: {
			type: 'string',
			valueHint: 'path',
			description: 'Write the key into this file, such as .dev.vars, unless it has one',
		},
		name,
		json,
	},
	run(args, terminal) {
		const key = createKey();
		if (args.file === undefined) {
			if (args.json) printJson(terminal, { key });
			else printLine(terminal, key);
			return EXIT.passed;
		}
		const path = resolve(terminal.folder, args.file);
		const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
		if (readVariable(text, args.name)) {
			throw new CliError(`${args.file} has ${args.name} already: use keys rotate to change it`);
		}
		writeFileSync(path, withVariable(text, args.name, key), { mode: OWNER_ONLY });
		if (args.json) printJson(terminal, { file: args.file, name: args.name });
		else printLine(terminal, `Wrote ${args.name} to ${args.file}: keep the file out of git`);
		return EXIT.passed;
	},
});

const rotateCommand = createCommand({
	name: 'rotate',
	description: 'Walks through a rotation of session keys, in three deployments',
	args: {
		step: {
			type: 'enum',
			options: ['1', '2', '3'],
			description: 'The step to take; without it, the steps are explained',
		},
		file: {
			type: 'string',
			valueHint: 'path',
			description:
				'The file with the current value, which is changed; default: the environment, and the new value is printed',
		},
		name,
		json,
	},
	run(args, terminal) {
		if (args.step === undefined) {
			if (args.json) printJson(terminal, { steps: ROTATION_STEPS });
			else printLine(terminal, explainRotation(args.name, args.file));
			return EXIT.passed;
		}
		// Safe because citty has checked the options.
		const step = Number(args.step) as RotationStep;
		const value = rotateKeys(currentKeys(args, terminal), step, createKey());
		if (args.file !== undefined) {
			const path = resolve(terminal.folder, args.file);
			writeFileSync(path, withVariable(readFileSync(path, 'utf8'), args.name, value));
		}
		if (args.json) {
			printJson(terminal, {
				step,
				next: ROTATION_STEPS[step],
				...(args.file === undefined ? { value } : { file: args.file }),
			});
		} else if (args.file === undefined) {
			// Standard output has the value alone, for a pipe to `wrangler secret put`.
			terminal.stdout.write(value);
			terminal.stderr.write(`Step ${step} of 3. ${ROTATION_STEPS[step]}\n`);
		} else {
			printLine(terminal, `Step ${step} of 3: changed ${args.file}. ${ROTATION_STEPS[step]}`);
		}
		return EXIT.passed;
	},
});

function currentKeys(
	{ file, name }: { readonly file?: string | undefined; readonly name: string },
	{ env, folder }: Terminal,
): string {
	if (file === undefined) {
		const value = env[name];
		if (value) return value;
		throw new CliError(`set ${name} to the current value, or name its file with --file`);
	}
	const path = resolve(folder, file);
	if (!existsSync(path)) throw new CliError(`the file ${file} does not exist`);
	const value = readVariable(readFileSync(path, 'utf8'), name);
	if (value) return value;
	throw new CliError(`${file} has no ${name}`);
}

function explainRotation(name: string, file = '.production.vars'): string {
	const steps = Object.entries(ROTATION_STEPS).flatMap(([step, meaning]) => [
		`${step}. ${meaning}`,
		'',
		`   npx @tmcp-sessions/cli keys rotate --step ${step} --file ${file}`,
		`   npx wrangler deploy --secrets-file ${file}`,
		'',
	]);
	return [
		`A rotation of ${name} takes three deployments. No session ends if you wait between them.`,
		`${file} holds the current value (${name}=…). Keep it in your password manager, not in git.`,
		'',
		...steps,
		'Elsewhere than on Workers, set the variable and restart all processes in each step.',
		'If a key has leaked, do not rotate: deploy a new one at once.',
	].join('\n');
}

/** `tmcp-sessions keys`. */
export const keysCommand: Command = createGroup('keys', 'Creates and rotates session keys', {
	new: newCommand,
	rotate: rotateCommand,
});
