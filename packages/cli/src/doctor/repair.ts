import { applyEdits, modify } from 'jsonc-parser';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createKey } from '../keys/create-key.ts';
import { withVariable } from '../keys/vars-file.ts';
import type { Repair } from './problem.ts';

const OWNER_ONLY = 0o600;

/** Makes one change. Comments and the order of fields stay. */
export function applyRepair(folder: string, configFile: string, repair: Repair): void {
	const file = repair.kind === 'edit-config' ? configFile : repair.file;
	const path = join(folder, file);
	const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
	switch (repair.kind) {
		case 'edit-config':
			writeFileSync(path, edited(text, repair.path, repair.value));
			break;
		case 'append':
			writeFileSync(path, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${repair.text}`);
			break;
		case 'add-key':
			writeFileSync(path, withVariable(text, repair.name, createKey()), { mode: OWNER_ONLY });
	}
}

/** Returns a JSONC text with another value at a path, or with one more entry of a list. */
export function edited(text: string, path: readonly (string | number)[], value: unknown): string {
	// The first indented field has the indentation of the file.
	const [, indentation = '  '] = /^([\t ]+)"/m.exec(text) ?? [];
	const insertSpaces = !indentation.startsWith('\t');
	const edits = modify(text, [...path], value, {
		formattingOptions: { insertSpaces, tabSize: insertSpaces ? indentation.length : 2 },
		isArrayInsertion: typeof path.at(-1) === 'number',
	});
	return applyEdits(text, edits);
}
