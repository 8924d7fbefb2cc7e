import { parseSecrets, weaknessOf } from '@tmcp-sessions/core/internal';

import { readVariable } from '../../keys/vars-file.ts';
import { environmentsOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';
import { fieldName, literalText } from '../syntax.ts';

/** `checkKeys` reports it. */
const SESSION_KEYS = 'TMCP_SESSION_KEYS';
const AUTH_KEYS = 'TMCP_AUTH_KEYS';
/** The options that take keys. */
const KEY_OPTIONS = /^(?:sessionKeys|authKeys|keys)$/;
const IS_SECRET = /(?:^|_)(?:SECRET|TOKENS?|PASSWORD|(?:API|AUTH|PRIVATE|SIGNING)_?KEYS?)$/i;

/** Checks that no secret is in the code or in plain text in the configuration, where git has it. */
export function* checkSecrets(project: Project): Generator<Problem> {
	yield* checkKeysInCode(project);
	const { config } = project;
	for (const { name: environment, root } of environmentsOf(config)) {
		const variables = Object.entries(Object(config.get(...root, 'vars')) as object);
		for (const [name, value] of variables) {
			if (name === SESSION_KEYS || !IS_SECRET.test(name)) continue;
			if (typeof value !== 'string' || value === '') continue;
			const where = environment === '' ? '' : ` of the environment ${environment}`;
			yield {
				rule: 'secrets',
				severity: 'warning',
				file: config.file,
				line: config.lineOf(...root, 'vars', name),
				message: `${name} is in "vars"${where}, in plain text: everyone who can read the repository can use it`,
				fix:
					`move it to .dev.vars, name it in "secrets": { "required": […] }, and set it with ` +
					`npx wrangler secret put ${name}`,
			};
		}
	}
	yield* checkAuthKeys(project);
}

function* checkKeysInCode({ entry }: Project): Generator<Problem> {
	if (!entry.packages.some((name) => name.startsWith('@tmcp-sessions/'))) return;
	for (const node of entry.syntax.nodes) {
		const option = fieldName(node);
		if (node.type !== 'Property' || !KEY_OPTIONS.test(option ?? '')) continue;
		const values = node.value.type === 'ArrayExpression' ? node.value.elements : [node.value];
		const isKey = values.some((value) => (literalText(value)?.length ?? 0) >= 8);
		if (!isKey) continue;
		yield {
			rule: 'secrets',
			severity: 'error',
			...placeOf(new RegExp(String.raw`\b${option}\s*:\s*\[?\s*['"\`]`), entry.sources),
			message: `a key is written in the code, in ${option}: everyone who can read the repository can forge sessions`,
			fix: 'make a new key with npx @tmcp-sessions/cli keys new, store it as a secret of the Worker, and read it from env',
		};
	}
}

/** Checks the keys of stored tokens, if `.dev.vars` has some. */
function* checkAuthKeys({ readFile }: Project): Generator<Problem> {
	const text = readFile('.dev.vars') ?? '';
	const keys = parseSecrets([readVariable(text, AUTH_KEYS)]);
	const weakness = keys.length > 0 ? weaknessOf(keys) : undefined;
	if (!weakness) return;
	yield {
		rule: 'secrets',
		severity: 'error',
		file: '.dev.vars',
		line: Math.max(1, text.split('\n').findIndex((line) => line.includes(AUTH_KEYS)) + 1),
		message: `${AUTH_KEYS} needs keys of ${weakness.required}; found ${weakness.found}`,
		fix: 'replace the value with the output of npx @tmcp-sessions/cli keys new',
	};
}
