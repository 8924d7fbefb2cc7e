import { parse, TomlError } from 'smol-toml';

import { CliError } from '../command/cli-error.ts';
import { lineAt } from './read-config.ts';
import type { ConfigPath, WranglerConfig } from './read-config.ts';
import { placeKey, placesOf } from './toml-places.ts';

/** @throws {CliError} with the line and the column of the first mistake. */
export function parseTomlConfig(file: string, text: string): WranglerConfig {
	return new TomlConfig(file, text, parsed(file, text));
}

function parsed(file: string, text: string): unknown {
	try {
		return parse(text);
	} catch (error) {
		if (!(error instanceof TomlError)) throw error;
		// The lines after the first one quote the file, which can have secrets.
		const [reason = ''] = error.message.replace('Invalid TOML document: ', '').split('\n');
		throw new CliError(`${file}:${error.line}:${error.column}: invalid TOML (${reason})`);
	}
}

/** A `wrangler.toml` with the positions of its values. */
class TomlConfig implements WranglerConfig {
	readonly format = 'toml';
	readonly file: string;
	readonly text: string;
	/** The parser rejects them. */
	readonly duplicates = [];
	readonly #root: unknown;
	readonly #places: ReadonlyMap<string, number>;

	constructor(file: string, text: string, root: unknown) {
		this.file = file;
		this.text = text;
		this.#root = root;
		this.#places = placesOf(text);
	}

	get(...path: ConfigPath): unknown {
		return path.reduce<unknown>(
			(value, key) =>
				typeof value === 'object' && value !== null
					? Object.getOwnPropertyDescriptor(value, key)?.value
					: undefined,
			this.#root,
		);
	}

	list(...path: ConfigPath): readonly unknown[] {
		const value = this.get(...path);
		return Array.isArray(value) ? value : [];
	}

	lineOf(...path: ConfigPath): number {
		for (let length = path.length; length > 0; length--) {
			const offset = this.#places.get(placeKey(path.slice(0, length)));
			if (offset !== undefined) return lineAt(this.text, offset);
		}
		return 1;
	}
}
