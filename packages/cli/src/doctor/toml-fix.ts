import { parse } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';
import { stringify } from 'smol-toml';

import type { Problem } from './problem.ts';
import type { ConfigPath, WranglerConfig } from './read-config.ts';

/** Returns a problem of a `wrangler.toml`, whose fix is in TOML and left to the user. */
export function withTomlFix({ repair, ...problem }: Problem, config: WranglerConfig): Problem {
	// A fix of several lines has more than its repair, such as the migration of a class.
	if (repair?.kind === 'edit-config' && !problem.fix.includes('\n')) {
		return { ...problem, fix: linesOf(repair.path, repair.value, config) };
	}
	const fix = problem.file === config.file ? translated(problem.fix) : problem.fix;
	return { ...problem, fix, ...(repair && repair.kind !== 'edit-config' && { repair }) };
}

/** Returns the lines of a change. */
function linesOf(path: ConfigPath, value: unknown, config: WranglerConfig): string {
	const isEntry = typeof path.at(-1) === 'number' && typeof value === 'object';
	if (isEntry) return `add to ${config.file}:\n${tomlOf(path, value)}`;
	const [, ...rest] = path;
	const where = rest.length === 0 ? ', above the first [table]' : '';
	if (typeof path.at(-1) !== 'number') {
		return `set in ${config.file}${where}:\n${tomlOf(path, value)}`;
	}
	const list = path.slice(0, -1);
	return `set in ${config.file}:\n${tomlOf(list, [...config.list(...list), value])}`;
}

function tomlOf(path: ConfigPath, value: unknown): string {
	const nested = path.reduceRight<unknown>(
		(inner, key) => (typeof key === 'number' ? [inner] : { [key]: inner }),
		value,
	);
	return stringify(nested).trim();
}

/** Returns a fix with its JSON in TOML. */
function translated(fix: string): string {
	return fix
		.split(/\n(?=\s*(?:"|\/\/))|\n\s*\n/)
		.map((part, index) => (index === 0 ? inlineToml(part) : blockToml(part)))
		.join('\n');
}

/** Returns fields of JSON as TOML, and other text as it is. */
function blockToml(text: string): string {
	const errors: ParseError[] = [];
	const value: unknown = parse(`{${text}\n}`, errors, { allowTrailingComma: true });
	return errors.length === 0 ? stringify(value).trim() : inlineToml(text);
}

function inlineToml(text: string): string {
	return text.replaceAll(/"([\w-]+)":\s*/g, '$1 = ');
}
