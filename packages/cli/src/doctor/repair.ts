import { applyEdits, findNodeAtOffset, getNodePath, modify, parseTree } from 'jsonc-parser';
import type { Edit, Node } from 'jsonc-parser';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createKey } from '../keys/create-key.ts';
import { withVariable } from '../keys/vars-file.ts';
import type { Repair } from './problem.ts';

const OWNER_ONLY = 0o600;

/** Makes one change. Comments and the order of fields stay. */
export function applyRepair(folder: string, configFile: string, repair: Repair): void {
	const file = 'file' in repair ? repair.file : configFile;
	const path = join(folder, file);
	const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
	switch (repair.kind) {
		case 'edit-config':
			writeFileSync(path, edited(text, repair.path, repair.value));
			break;
		case 'rename-class':
			writeFileSync(path, withClass(text, repair.from, repair.to));
			break;
		case 'append':
			writeFileSync(path, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${repair.text}`);
			break;
		case 'add-key':
			writeFileSync(path, withVariable(text, repair.name, createKey()), { mode: OWNER_ONLY });
	}
}

/** The fields that have names of classes. */
const CLASS_FIELDS = new Set([
	'class_name',
	'new_classes',
	'new_sqlite_classes',
	'renamed_classes',
	'transferred_classes',
	'deleted_classes',
]);

/** Returns a JSONC text with another name of a class, in bindings, migrations and `exports`. */
function withClass(text: string, from: string, to: string): string {
	const root = parseTree(text);
	const edits = (root ? stringsIn(root) : []).flatMap((node): Edit[] => {
		if (node.value !== from) return [];
		const path = getNodePath(node);
		const isKey = node.parent?.type === 'property' && node.parent.children?.[0] === node;
		const isClass = isKey
			? path[0] === 'exports' && path.length === 2
			: path.some((part) => CLASS_FIELDS.has(String(part)));
		return isClass
			? [{ offset: node.offset, length: node.length, content: JSON.stringify(to) }]
			: [];
	});
	return applyEdits(text, edits);
}

function stringsIn(node: Node): readonly Node[] {
	return node.type === 'string' ? [node] : (node.children ?? []).flatMap(stringsIn);
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
		edits.flatMap((edit) => laidOut(text, edit)),
	);
}

/** Lays out what an edit inserts as its neighbors are. */
function laidOut(text: string, edit: Edit): readonly Edit[] {
	const { content, length, offset } = edit;
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
		const other = `${comma}${comma === '' ? '' : ' '}${isField ? shown.slice(2, -2) : shown}${end}`;
		return [{ ...edit, content: other }];
	}
	const step = indentOf(text, indentation);
	const inner = isFirst ? indentation + step : indentation;
	const lines = JSON.stringify(isField ? value : [value], undefined, step)
		.split('\n')
		.slice(1, -1);
	const body = lines.map((each) => `${inner}${each.slice(step.length)}`).join('\n');
	if (isFirst)
		return [{ ...edit, content: `\n${body}${end}${end === '' ? `\n${indentation}` : ''}` }];
	return belowNeighbor(text, edit, `\n${body}`);
}

/** The rest of a line that has only a comma and comments. */
const REST = /^[\t ]*(,?)(?:[\t ]*(?:\/\/.*|\/\*.*?\*\/))*[\t ]*$/;

/** Puts lines below that of a neighbor, whose comment stays with it. */
function belowNeighbor(text: string, edit: Edit, body: string): readonly Edit[] {
	const { offset } = edit;
	const [line = ''] = text.slice(offset).split(/\r?\n/, 1);
	const [rest, comma] = REST.exec(line) ?? [];
	if (rest === undefined || rest === '') return [{ ...edit, content: `,${body}` }];
	const below = { offset: offset + rest.length, length: 0 };
	return comma === ''
		? [
				{ ...edit, content: ',' },
				{ ...below, content: body },
			]
		: [{ ...below, content: `${body},` }];
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

/** Returns one step of indentation: that of the lines around, or that of the first field that has one. */
function indentOf(text: string, around: string): string {
	if (around.startsWith('\t')) return '\t';
	const [, spaces] = /^( +)"/m.exec(text) ?? [];
	const [, first = '  '] = /^([\t ]+)"/m.exec(text) ?? [];
	return around.startsWith(' ') ? (spaces ?? first) : first;
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
