import { parseSecrets } from '@tmcp-sessions/core/internal';

import { readVariable } from '../../keys/vars-file.ts';
import { environmentsOf } from '../declared-bindings.ts';
import { nearest } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';

const KEYS = 'TMCP_SESSION_KEYS';
const VARS_FILE = '.dev.vars';

/** Checks the scripts of package.json, and the files with secrets. */
export function* checkProjectFiles(project: Project): Generator<Problem> {
	yield* checkScripts(project);
	yield* checkVarsLines(project);
	yield* checkMissingVars(project);
	yield* checkExample(project);
	yield* checkVarsOfEnvironments(project);
}

function* checkScripts({ config, readFile }: Project): Generator<Problem> {
	const text = readFile('package.json') ?? '';
	const lines = text.split('\n');
	const names = environmentsOf(config).map(({ name }) => name);
	for (const [index, line] of lines.entries()) {
		const problem = (message: string, fix: string): Problem => ({
			rule: 'scripts',
			severity: 'error',
			file: 'package.json',
			line: index + 1,
			message,
			fix,
		});
		if (/\bwrangler publish\b/.test(line)) {
			yield problem('wrangler has no command publish any more', 'write wrangler deploy');
		}
		for (const [, name = ''] of line.matchAll(/\bwrangler\b[^"&|]*?\s(?:--env|-e)[ =]([\w-]+)/g)) {
			if (names.includes(name)) continue;
			const known = names.filter((each) => each !== '');
			const similar = nearest(name, known) ?? known[0];
			yield problem(
				`a script names the environment ${name}, which ${config.file} does not have`,
				similar === undefined ? 'remove it, or add "env" to the configuration' : `write ${similar}`,
			);
		}
		for (const [, file = ''] of line.matchAll(
			/\bwrangler\b[^"&|]*?\s(?:--config|-c)[ =]([\w./-]+)/g,
		)) {
			if (readFile(file) !== undefined) continue;
			yield problem(
				`a script names the file ${file}, which does not exist`,
				`write ${config.file}`,
			);
		}
	}
}

/** Checks that each line of `.dev.vars` sets a variable. */
function* checkVarsLines({ readFile }: Project): Generator<Problem> {
	let isInQuotes = false;
	for (const [index, line] of (readFile(VARS_FILE) ?? '').split('\n').entries()) {
		const [, quote = '', rest = ''] =
			/^\s*(?:export\s+)?[\w.-]+\s*=\s*(["'`]?)(.*)$/.exec(line) ?? [];
		if (isInQuotes) {
			isInQuotes = !/["'`]\s*(?:#.*)?$/.test(line);
			continue;
		}
		isInQuotes = quote !== '' && !rest.includes(quote);
		if (/^\s*(?:#.*)?$/.test(line) || /^\s*(?:export\s+)?[\w.-]+\s*=/.test(line)) continue;
		const [name = ''] = /^\s*["']?[\w.-]+/.exec(line) ?? [];
		yield {
			rule: 'secrets',
			severity: 'error',
			file: VARS_FILE,
			line: index + 1,
			message: `a line of ${VARS_FILE} sets no variable: wrangler ignores it`,
			fix: `write ${name.trim().replaceAll(/["']/g, '') || 'NAME'}=value`,
		};
	}
}

/** Checks that `.dev.vars` sets the required secrets. Another rule reports the session keys. */
function* checkMissingVars({ config, readFile }: Project): Generator<Problem> {
	const text = readFile(VARS_FILE);
	if (text === undefined) return;
	const set = [...text.matchAll(/^\s*(?:export\s+)?([\w.-]+)\s*=/gm)].map(([, name = '']) => name);
	for (const secret of config.list('secrets', 'required')) {
		if (typeof secret !== 'string' || secret === KEYS || set.includes(secret)) continue;
		const similar = nearest(secret, set);
		const line = text
			.split('\n')
			.findIndex((each) => similar !== undefined && each.includes(similar));
		yield {
			rule: 'secrets',
			severity: 'warning',
			file: VARS_FILE,
			line: Math.max(1, line + 1),
			message: `${VARS_FILE} does not set the required secret ${secret}: it is undefined in wrangler dev`,
			fix: similar === undefined ? `add ${secret}=…` : `write ${secret} in place of ${similar}`,
		};
	}
}

/** Checks that no example in git has the keys of development. */
function* checkExample({ readFile }: Project): Generator<Problem> {
	for (const file of [`${VARS_FILE}.example`, '.env.example']) {
		const example = readFile(file) ?? '';
		const [shown] = parseSecrets([readVariable(example, KEYS)]);
		const own = parseSecrets([readVariable(readFile(VARS_FILE) ?? '', KEYS)]);
		if (shown === undefined || !own.includes(shown)) continue;
		yield {
			rule: 'keys',
			severity: 'error',
			file,
			line: Math.max(1, example.split('\n').findIndex((line) => line.includes(KEYS)) + 1),
			message: `${file} has the key of ${VARS_FILE}: everyone who can read the repository can forge sessions`,
			fix: 'leave the value empty there, and make a new key with npx @tmcp-sessions/cli keys new',
		};
	}
}

/** Checks that the file of an environment, which replaces `.dev.vars`, has every secret. */
function* checkVarsOfEnvironments({ config, readFile }: Project): Generator<Problem> {
	for (const { name, root } of environmentsOf(config)) {
		const file = `${VARS_FILE}.${name}`;
		const text = name === '' ? undefined : readFile(file);
		if (text === undefined) continue;
		for (const secret of config.list(...root, 'secrets', 'required')) {
			if (typeof secret !== 'string' || readVariable(text, secret) !== undefined) continue;
			yield {
				rule: 'secrets',
				severity: 'warning',
				file,
				line: 1,
				message: `${file} does not set ${secret}: wrangler dev --env ${name} reads it in place of ${VARS_FILE}`,
				fix: `add ${secret} to ${file}`,
			};
		}
	}
}
