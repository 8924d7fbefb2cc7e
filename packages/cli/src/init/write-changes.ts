import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import type { FileChange } from './plan-changes.ts';

const OWNER_ONLY = 0o600;

/**
 * Writes all files, or none: a failure restores what was there. Synchronous, so that Ctrl-C takes effect
 * before the first file or after the last one.
 */
export function writeChanges(folder: string, changes: readonly FileChange[]): void {
	const undo: (() => void)[] = [];
	try {
		for (const { after, before, isSecret, path } of changes) {
			const file = join(folder, path);
			const created = firstMissingFolder(dirname(file));
			if (created !== undefined) undo.push(() => rmSync(created, { recursive: true, force: true }));
			mkdirSync(dirname(file), { recursive: true });
			undo.push(() =>
				before === undefined ? rmSync(file, { force: true }) : writeFileSync(file, before),
			);
			writeFileSync(file, after, isSecret ? { mode: OWNER_ONLY } : {});
		}
	} catch (error) {
		for (const step of undo.toReversed()) step();
		const reason = error instanceof Error ? error.message : String(error);
		throw new CliError(`the files cannot be written, and the folder is as it was: ${reason}`);
	}
}

function firstMissingFolder(folder: string): string | undefined {
	if (existsSync(folder)) return undefined;
	return firstMissingFolder(resolve(folder, '..')) ?? folder;
}
