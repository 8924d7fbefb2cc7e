import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import { readVariable, withVariable } from '../keys/vars-file.ts';
import { mergeJson } from './merge-json.ts';
import type { ProjectFiles } from './runtime-files.ts';

/** A file that `init` writes. */
export interface FileChange {
	readonly path: string;
	/** `undefined` for a new file. */
	readonly before: string | undefined;
	readonly after: string;
	/** Whether text of the user is replaced, and not only added to. */
	readonly replaces: boolean;
	/** Whether the text must not be shown. */
	readonly isSecret: boolean;
}

/** Compares the files of a project with a folder. Writes nothing. */
export function planChanges(folder: string, planned: ProjectFiles): FileChange[] {
	if ('wrangler.jsonc' in planned.json && !existsSync(join(folder, 'wrangler.jsonc'))) {
		for (const other of ['wrangler.toml', 'wrangler.json']) {
			if (existsSync(join(folder, other))) {
				throw new CliError(
					`init edits wrangler.jsonc only; found ${other}. Translate or rename it first`,
				);
			}
		}
	}
	const read = (path: string): string | undefined =>
		existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : undefined;
	const changes: FileChange[] = [];
	const add = (path: string, after: (before: string | undefined) => string, kind = {}): void => {
		const before = read(path);
		changes.push({ path, before, after: after(before), replaces: false, isSecret: false, ...kind });
	};
	for (const [path, text] of Object.entries(planned.files)) {
		add(path, () => text, { replaces: read(path) !== undefined });
	}
	for (const [path, fields] of Object.entries(planned.json)) {
		add(path, (before) => mergeJson(path, before, fields));
	}
	for (const [path, lines] of Object.entries(planned.lines)) {
		add(path, (before) => withLines(before ?? '', lines));
	}
	for (const [path, variables] of Object.entries(planned.secrets)) {
		add(path, (before) => withSecrets(before ?? '', variables), { isSecret: true });
	}
	return changes.filter(({ after, before }) => after !== before);
}

function withLines(text: string, lines: readonly string[]): string {
	const existing = new Set(text.split('\n').map((line) => line.trim()));
	const missing = lines.filter((line) => !existing.has(line) && !existing.has(`${line}/`));
	const separator = text === '' || text.endsWith('\n') ? '' : '\n';
	return missing.length === 0 ? text : `${text}${separator}${missing.join('\n')}\n`;
}

function withSecrets(text: string, variables: Readonly<Record<string, () => string>>): string {
	return Object.entries(variables).reduce(
		(result, [name, create]) =>
			readVariable(result, name) ? result : withVariable(result, name, create()),
		text,
	);
}
