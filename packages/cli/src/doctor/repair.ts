import { applyEdits, findNodeAtOffset, modify, parseTree } from 'jsonc-parser';
import type { Edit } from 'jsonc-parser';
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

/**
 * Returns a JSONC text with another value at a path, or with one more entry of a list. Every other line
 * stays as it is.
 */
export function edited(text: string, path: readonly (string | number)[], value: unknown): string {
	// Without formatting options, the edit has the new text alone, in one line.
	const edits = modify(text, [...path], value, {
		isArrayInsertion: typeof path.at(-1) === 'number',
	});
	return applyEdits(
		text,
		edits.map((edit) => ({ ...edit, content: laidOut(text, edit) })),
	);
}

/** Lays out what an edit inserts as its neighbors are. */
function laidOut(text: string, { content, length, offset }: Edit): string {
	const [, comma = '', inserted = '', end = ''] = /^(,?)(.*?)(,?)$/s.exec(content) ?? [];
	const isField = /^"(?:[^"\\]|\\.)*":/.test(inserted);
	const value: unknown = JSON.parse(isField ? `{${inserted}}` : inserted);
	const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
	const [indentation = ''] = /^[\t ]*/.exec(line) ?? [];
	const isFirst = comma === '' && length === 0;
	// A neighbor that begins its line gets the new one on the next line.
	const isOnOwnLine = isFirst
		? end === '' || /\n/.test(text.slice(offset, offset + 2))
		: startsLine(text, offset);
	if (length > 0 || !isOnOwnLine) {
		const shown = compact(value);
		return `${comma}${comma === '' ? '' : ' '}${isField ? shown.slice(2, -2) : shown}${end}`;
	}
	const step = indentOf(text);
	const inner = isFirst ? indentation + step : indentation;
	const lines = JSON.stringify(isField ? value : [value], undefined, step)
		.split('\n')
		.slice(1, -1);
	const body = lines.map((each) => `${inner}${each.slice(step.length)}`).join('\n');
	return `${comma}\n${body}${end}${isFirst && end === '' ? `\n${indentation}` : ''}`;
}

/** Whether the value that ends at an offset, or its field, is the first one of its line. */
function startsLine(text: string, offset: number): boolean {
	const root = parseTree(text);
	const before = root && findNodeAtOffset(root, offset - 1);
	let node = before;
	while (node?.parent && node.parent.offset + node.parent.length <= offset) node = node.parent;
	const begin = node?.offset ?? offset;
	return /\n[\t ]*$/.test(text.slice(0, begin));
}

/** Returns the indentation of the first field that has one. */
function indentOf(text: string): string {
	const [, indentation = '  '] = /^([\t ]+)"/m.exec(text) ?? [];
	return indentation;
}

/** Returns JSON in one line, with spaces. */
function compact(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(compact).join(', ')}]`;
	if (typeof value !== 'object' || value === null) return JSON.stringify(value);
	const fields = Object.entries(value).map(
		([key, each]) => `${JSON.stringify(key)}: ${compact(each)}`,
	);
	return `{ ${fields.join(', ')} }`;
}
