import { parseSecrets, weaknessOf } from '@tmcp-sessions/core/internal';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { readVariable } from '../../keys/vars-file.ts';
import { environmentsOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';

const VARIABLE = 'TMCP_SESSION_KEYS';
const VARS_FILE = '.dev.vars';
/** The files in git that show which secrets to set. */
const EXAMPLES = ['.dev.vars.example', '.env.example'];

/** Checks the session keys: in `.dev.vars`, out of git, as a required secret, and not in plain text. */
export function* checkKeys(project: Project): Generator<Problem> {
	const { config, entry } = project;
	// The code passes keys itself.
	if (/\bsessionKeys\b/.test(entry.code) || !usesKeys(project)) return;
	for (const { name, root } of environmentsOf(config)) {
		const where = name === '' ? '' : ` of the environment ${name}`;
		if (config.get(...root, 'vars', VARIABLE) !== undefined) {
			yield {
				rule: 'keys',
				severity: 'error',
				file: config.file,
				line: config.lineOf(...root, 'vars', VARIABLE),
				message: `${VARIABLE} is in "vars"${where}: everyone who can read the repository can forge sessions`,
				fix:
					`remove it, make a new key with npx @tmcp-sessions/cli keys new, and set it with ` +
					`npx wrangler secret put ${VARIABLE}; name it in "secrets": { "required": ["${VARIABLE}"] }`,
			};
			continue;
		}
		yield* checkRequired(config, root, where);
	}
	yield* checkVarsFile(project);
}

/** Checks that the list of required secrets names the keys. */
function* checkRequired(
	config: WranglerConfig,
	root: ConfigPath,
	where: string,
): Generator<Problem> {
	const path = [...root, 'secrets', 'required'];
	const required = config.list(...path);
	if (required.includes(VARIABLE)) return;
	const isListed = config.get(...path) !== undefined;
	// An environment without a list needs the secrets of the top level, too: it inherits none.
	const inherited = isListed ? [] : config.list('secrets', 'required');
	const secrets = [...new Set([VARIABLE, ...inherited])];
	yield {
		rule: 'keys',
		severity: isListed ? 'error' : 'warning',
		file: config.file,
		line: config.lineOf(...path),
		message: isListed
			? `"secrets.required"${where} does not name ${VARIABLE}: wrangler dev then ignores it in ${VARS_FILE}`
			: `"secrets.required"${where} does not name ${VARIABLE}: a deployment without a key fails at its first request`,
		fix:
			`add "secrets": { "required": ${JSON.stringify(secrets)} }` +
			(inherited.length > 0
				? ', the list of the top level'
				: ', with every other secret of the Worker'),
		repair:
			inherited.length > 0
				? { kind: 'edit-config', path, value: secrets }
				: { kind: 'edit-config', path: [...path, required.length], value: VARIABLE },
	};
}

function* checkVarsFile(project: Project): Generator<Problem> {
	const { readFile } = project;
	const inEnv = readVariable(readFile('.env') ?? '', VARIABLE);
	// wrangler reads .env only if there is no .dev.vars.
	const file = readFile(VARS_FILE) === undefined && inEnv ? '.env' : VARS_FILE;
	const text = readFile(file);
	// The file is never in git: in a fresh checkout, the example stands for it.
	const isShown = EXAMPLES.some((path) => readFile(path)?.includes(VARIABLE));
	if (text === undefined && isShown) return;
	const value = readVariable(text ?? '', VARIABLE) ?? '';
	const keys = parseSecrets([value]);
	const weakness = keys.length > 0 ? weaknessOf(keys) : undefined;
	const line = Math.max(
		1,
		(text ?? '').split('\n').findIndex((candidate) => candidate.includes(VARIABLE)) + 1,
	);
	if (keys.length === 0) {
		yield notSet(file, line, text, Boolean(inEnv));
	} else if (weakness) {
		yield {
			rule: 'keys',
			severity: 'error',
			file,
			line,
			message: `${VARIABLE} needs keys of ${weakness.required}; found ${weakness.found}`,
			fix: `replace the value with the output of npx @tmcp-sessions/cli keys new`,
		};
	}
	if (text !== undefined && !isIgnored(project, file)) {
		yield {
			rule: 'keys',
			severity: 'error',
			file: '.gitignore',
			line: 1,
			message: `git does not ignore ${file}, which holds secrets`,
			fix: `add ${file} to .gitignore`,
			repair: { kind: 'append', file: '.gitignore', text: `${file}\n` },
		};
	}
}

function notSet(file: string, line: number, text: string | undefined, isInEnv: boolean): Problem {
	const hasFile = text !== undefined;
	return {
		rule: 'keys',
		severity: 'warning',
		file,
		line,
		message: isInEnv
			? `${VARIABLE} is in .env, which wrangler ignores beside ${file}`
			: `${VARIABLE} is not set${hasFile ? '' : `, and no ${file}.example names it`}: in development, sessions end when the server restarts`,
		fix: isInEnv
			? `move it to ${file}`
			: `run npx @tmcp-sessions/cli keys new --file ${file}` +
				(hasFile ? '' : `, and commit a ${file}.example with the line ${VARIABLE}=`),
		repair: { kind: 'add-key', file, name: VARIABLE },
	};
}

/** Whether the project uses a handler of this family, which signs session ids. */
function usesKeys({ entry }: Project): boolean {
	return entry.packages.some((name) => /^@tmcp-sessions\/(?:http|sdk|session-object)$/.test(name));
}

const IGNORES: Readonly<Record<string, RegExp>> = {
	'.dev.vars': /^\/?(?:\.dev\.vars\*?|\.\*\.vars|\.dev\.\*|\*\.vars|\.\*|\*)$/,
	'.env': /^\/?(?:\.env\*?|\*\.env|\.\*|\*)$/,
};

/** Whether the project, or a folder around it in the same repository, ignores the file. */
function isIgnored({ folder, readFile }: Project, file: string): boolean {
	for (let path = ''; ; path += '../') {
		const lines = (readFile(`${path}.gitignore`) ?? '').split('\n');
		if (lines.some((line) => IGNORES[file]?.test(line.trim()))) return true;
		const isTop = resolve(folder, path) === resolve(folder, path, '..');
		if (isTop || existsSync(join(folder, path, '.git'))) return false;
	}
}
