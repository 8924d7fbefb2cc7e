import { parse, printParseErrorCode } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import { lineAt } from './read-config.ts';

/**
 * Checks that `package.json` of a folder, if there is one, is valid JSON: without comments and trailing
 * commas, which npm refuses.
 *
 * @throws {CliError} with the line of the first mistake.
 */
export function checkManifest(folder: string): void {
	const path = join(folder, 'package.json');
	if (existsSync(path)) parseManifestText('package.json', readFileSync(path, 'utf8'));
}

/** @throws {CliError} with the line of the first mistake. */
export function parseManifestText(file: string, text: string): void {
	const errors: ParseError[] = [];
	const value: unknown = parse(text.replace(/^\uFEFF/, ''), errors, { disallowComments: true });
	const [error] = errors;
	if (error) {
		const before = text.slice(0, error.offset).trimEnd();
		const isTrailing = before.endsWith(',') && /^\s*[\]}]/.test(text.slice(error.offset));
		const offset = isTrailing ? before.length - 1 : error.offset;
		const reason = isTrailing
			? 'a comma before the end of an object or list'
			: printParseErrorCode(error.error);
		throw new CliError(
			`${file}:${lineAt(text, offset)}: invalid JSON (${reason}): npm cannot read it. Correct this line`,
		);
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value)) {
		throw new CliError(`${file}:1: must be an object`);
	}
}
