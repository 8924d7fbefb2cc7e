import { findNodeAtLocation, getNodeValue, parseTree } from 'jsonc-parser';

import { edited } from '../doctor/repair.ts';
import { parseConfig } from '../doctor/read-config.ts';
import { parseManifestText } from '../doctor/read-manifest.ts';

type Path = readonly (string | number)[];

/**
 * Adds what is missing to a JSON text, with its comments. Values that are there stay.
 *
 * @param text `undefined` for a new file.
 * @throws {CliError} for invalid JSONC, and for a `package.json` that is not JSON.
 */
export function mergeJson(file: string, text: string | undefined, wanted: object): string {
	if (text === undefined) return `${JSON.stringify(wanted, undefined, 2)}\n`;
	// npm reads no comments and trailing commas; wrangler and TypeScript do.
	if (file === 'package.json') parseManifestText(file, text);
	else parseConfig(file, text);
	return mergeObject(text, [], wanted);
}

function mergeObject(text: string, path: Path, wanted: object): string {
	let merged = text;
	for (const [key, value] of Object.entries(wanted)) {
		const at = [...path, key];
		const found = valueAt(merged, at);
		if (found === undefined) merged = edited(merged, at, value);
		else if (Array.isArray(value) && Array.isArray(found)) merged = mergeList(merged, at, value);
		else if (isPlainObject(value) && isPlainObject(found)) merged = mergeObject(merged, at, value);
	}
	return merged;
}

function mergeList(text: string, path: Path, wanted: readonly unknown[]): string {
	let merged = text;
	for (const entry of wanted) {
		const found = valueAt(merged, path);
		const entries: unknown[] = Array.isArray(found) ? found : [];
		const missing = isMigration(entry) ? missingMigration(entries, entry) : entry;
		const isThere = entries.some((each) => identityOf(each) === identityOf(missing));
		if (missing !== undefined && !isThere)
			merged = edited(merged, [...path, entries.length], missing);
	}
	return merged;
}

interface Migration {
	readonly tag: string;
	readonly new_sqlite_classes: readonly string[];
}

/** Returns a migration with the classes that no other one creates, and a new tag. */
function missingMigration(entries: readonly unknown[], wanted: Migration): Migration | undefined {
	const existing = entries.filter(isMigration);
	const created = new Set(existing.flatMap((each) => each.new_sqlite_classes));
	const classes = wanted.new_sqlite_classes.filter((name) => !created.has(name));
	if (classes.length === 0) return undefined;
	const tags = new Set(entries.map((each): unknown => Reflect.get(Object(each) as object, 'tag')));
	let number = entries.length + 1;
	while (tags.has(`v${number}`)) number++;
	return { tag: `v${number}`, new_sqlite_classes: classes };
}

function isMigration(value: unknown): value is Migration {
	return isPlainObject(value) && Array.isArray(Reflect.get(value, 'new_sqlite_classes'));
}

/** Bindings are the same if their name is. */
function identityOf(entry: unknown): string {
	if (!isPlainObject(entry)) return JSON.stringify(entry);
	const name: unknown = Reflect.get(entry, 'binding') ?? Reflect.get(entry, 'name');
	return JSON.stringify(name ?? entry);
}

function valueAt(text: string, path: Path): unknown {
	const root = parseTree(text, [], { allowTrailingComma: true });
	const node = root && findNodeAtLocation(root, [...path]);
	return node && (getNodeValue(node) as unknown);
}

function isPlainObject(value: unknown): value is object {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
