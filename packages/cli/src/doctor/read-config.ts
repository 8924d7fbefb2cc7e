import { findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';

import { CliError } from '../command/cli-error.ts';

/** A path in a configuration: `['durable_objects', 'bindings', 0]`. */
export type ConfigPath = readonly (string | number)[];

/** A configuration of wrangler with the positions of its values. */
export interface WranglerConfig {
	readonly format: 'jsonc' | 'toml';
	/** The name of the file. */
	readonly file: string;
	readonly text: string;
	/** The fields that an object has twice, with the line of the second one. */
	readonly duplicates: readonly { readonly field: string; readonly line: number }[];
	/** Returns a value of any type, or `undefined`. */
	get(...path: ConfigPath): unknown;
	/** Returns the entries of a list, or none. */
	list(...path: ConfigPath): readonly unknown[];
	/** Returns the line of a value, or of the nearest value around it. */
	lineOf(...path: ConfigPath): number;
}

/** @throws {CliError} with the line of the first mistake. */
export function parseConfig(file: string, text: string): WranglerConfig {
	const errors: ParseError[] = [];
	const root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
	const [error] = errors;
	if (error) {
		const code = printParseErrorCode(error.error);
		throw new CliError(`${file}:${lineAt(text, error.offset)}: invalid JSONC (${code})`);
	}
	if (root?.type !== 'object') throw new CliError(`${file}:1: must be an object`);
	return new ParsedConfig(file, text, root);
}

/** Returns the line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
	return text.slice(0, offset).split('\n').length;
}

/** Returns the properties whose name an earlier one of the same object has. */
function duplicatesIn({ children = [], type }: Node): Node[] {
	const names = new Set<unknown>();
	return children.flatMap((child) => {
		const name: unknown = type === 'object' ? child.children?.[0]?.value : undefined;
		const isDuplicate = name !== undefined && names.has(name);
		names.add(name);
		return [...(isDuplicate ? [child] : []), ...duplicatesIn(child)];
	});
}

/** A `wrangler.jsonc` with the positions of its values. */
class ParsedConfig implements WranglerConfig {
	readonly format = 'jsonc';
	readonly file: string;
	readonly text: string;
	readonly duplicates: WranglerConfig['duplicates'];
	readonly #root: Node;

	constructor(file: string, text: string, root: Node) {
		this.duplicates = duplicatesIn(root).map((node) => ({
			field: String(node.children?.[0]?.value),
			line: lineAt(text, node.offset),
		}));
		this.file = file;
		this.text = text;
		this.#root = root;
	}

	get(...path: ConfigPath): unknown {
		const node = findNodeAtLocation(this.#root, [...path]);
		return node && (getNodeValue(node) as unknown);
	}

	list(...path: ConfigPath): readonly unknown[] {
		const value = this.get(...path);
		return Array.isArray(value) ? value : [];
	}

	lineOf(...path: ConfigPath): number {
		for (let length = path.length; length > 0; length--) {
			const node = findNodeAtLocation(this.#root, path.slice(0, length));
			// A property begins at its key.
			if (node)
				return lineAt(this.text, (node.parent?.type === 'property' ? node.parent : node).offset);
		}
		return 1;
	}
}
