import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { nearest } from './nearest.ts';
import type { ConfigPath } from './read-config.ts';

/** The part of JSON Schema that the schema of wrangler uses. */
interface Schema {
	readonly $ref?: string;
	readonly allOf?: readonly Schema[];
	readonly anyOf?: readonly Schema[];
	readonly type?: string | readonly string[];
	readonly enum?: readonly unknown[];
	readonly const?: unknown;
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly required?: readonly string[];
	readonly additionalProperties?: boolean | Schema;
	readonly items?: Schema;
	readonly definitions?: Readonly<Record<string, Schema>>;
}

/** What a configuration has that the schema does not allow. */
export interface Mismatch {
	readonly path: ConfigPath;
	readonly message: string;
	readonly fix: string;
	/** Whether wrangler ignores it. */
	readonly isIgnored: boolean;
}

/** Returns the schema of the wrangler that a project has installed, or else of the one beside this package. */
export function readSchema(folder: string): Schema | undefined {
	for (const from of [pathToFileURL(join(folder, 'package.json')), import.meta.url]) {
		try {
			const manifest = createRequire(from).resolve('wrangler/package.json');
			const path = join(dirname(manifest), 'config-schema.json');
			// Safe because wrangler publishes a JSON Schema there, and every field is optional.
			return JSON.parse(readFileSync(path, 'utf8')) as Schema;
		} catch {
			// It is not installed there.
		}
	}
	return undefined;
}

/** Compares a configuration with the schema of wrangler. */
export function mismatchesOf(root: Schema, value: unknown): readonly Mismatch[] {
	const schema = root.definitions?.['RawConfig'];
	return schema ? compare(root, schema, value, []) : [];
}

function compare(
	root: Schema,
	given: Schema,
	value: unknown,
	path: ConfigPath,
): readonly Mismatch[] {
	const schema = resolvedSchema(root, given);
	if (schema.anyOf) return compareAny(root, schema.anyOf, value, path);
	const field = path.join('.');
	const wrong = (message: string, fix: string): Mismatch[] => [
		{ path, message: `"${field}" ${message}`, fix, isIgnored: false },
	];
	const { type } = schema;
	const types = typeof type === 'string' ? [type] : type;
	if (types && !types.some((each) => isOfType(value, each))) {
		return wrong(
			`must be ${types.map(shown).join(' or ')}; found ${JSON.stringify(value)}`,
			`write ${types.map(shown).join(' or ')}`,
		);
	}
	const allowed = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
	if (allowed && !allowed.includes(value)) {
		const list = allowed.map((each) => JSON.stringify(each)).join(', ');
		return wrong(`must be one of ${list}; found ${JSON.stringify(value)}`, `write one of ${list}`);
	}
	if (Array.isArray(value)) {
		const { items } = schema;
		return items
			? value.flatMap((each, index) => compare(root, items, each, [...path, index]))
			: [];
	}
	return typeof value === 'object' && value !== null
		? compareObject(root, schema, value, path)
		: [];
}

function resolvedSchema(root: Schema, { $ref, ...schema }: Schema): Schema {
	if ($ref === undefined) return schema;
	const name = decodeURIComponent($ref.replace('#/definitions/', ''));
	const found = root.definitions?.[name];
	return found ? resolvedSchema(root, found) : {};
}

/** Returns the mismatches with the alternative that was probably meant. */
function compareAny(
	root: Schema,
	alternatives: readonly Schema[],
	value: unknown,
	path: ConfigPath,
): readonly Mismatch[] {
	const all = alternatives.map((each) => compare(root, each, value, path));
	// An alternative of the same type has mismatches inside, and none of the value itself.
	const inside = all.filter((each) => each.every((mismatch) => mismatch.path.length > path.length));
	const [best] = (inside.length > 0 ? inside : all).toSorted((a, b) => a.length - b.length);
	return best ?? [];
}

function compareObject(
	root: Schema,
	{ additionalProperties, properties = {}, required = [] }: Schema,
	value: object,
	path: ConfigPath,
): readonly Mismatch[] {
	const entries = Object.entries(value) as [string, unknown][];
	const missing = required.filter((name) => !Object.hasOwn(value, name));
	const found = entries.flatMap(([name, member]): readonly Mismatch[] => {
		const schema = properties[name];
		if (schema) return compare(root, schema, member, [...path, name]);
		if (typeof additionalProperties === 'object') {
			return compare(root, additionalProperties, member, [...path, name]);
		}
		if (additionalProperties !== false) return [];
		const similar = nearest(name, Object.keys(properties));
		const message = `wrangler has no field "${name}" here, and ignores it`;
		const fix = similar === undefined ? 'remove it' : `write "${similar}"`;
		return [{ path: [...path, name], message, fix, isIgnored: similar === undefined }];
	});
	return [
		...missing.map((name) => ({
			path,
			message: `"${path.join('.')}" has no "${name}"`,
			fix: `add "${name}"`,
			isIgnored: false,
		})),
		...found,
	];
}

function isOfType(value: unknown, type: string): boolean {
	if (type === 'array') return Array.isArray(value);
	if (type === 'null') return value === null;
	if (type === 'integer') return Number.isInteger(value);
	if (type !== 'object') return typeof value === type;
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(type: string): string {
	return (
		{ array: 'a list', object: 'an object', null: 'null', integer: 'an integer' }[type] ??
		`a ${type}`
	);
}
