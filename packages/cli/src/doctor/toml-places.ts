import { parse } from 'smol-toml';

import type { ConfigPath } from './read-config.ts';

const KEY = /"(?:\\.|[^"\\])*"|'[^']*'|[\w-]+/;
const KEYS = new RegExp(String.raw`(?:${KEY.source})(?:[ \t]*\.[ \t]*(?:${KEY.source}))*`, 'y');
const SPACE = /(?:\s|#[^\n]*)*/y;
const STRING =
	/"""(?:\\[\s\S]|[^\\])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|[^\s,\]}#]+(?: [\d:.+Z-]+)?/y;

/** Returns the text that stands for a path in the result of {@link placesOf}. */
export function placeKey(path: ConfigPath): string {
	return JSON.stringify(path);
}

/** Returns the offsets of the tables, keys and values of a valid TOML text, by {@link placeKey}. */
export function placesOf(text: string): ReadonlyMap<string, number> {
	return new Scanner(text).document();
}

class Scanner {
	readonly #text: string;
	readonly #places = new Map<string, number>();
	/** The lengths of the arrays of tables so far. */
	readonly #lengths = new Map<string, number>();
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	document(): ReadonlyMap<string, number> {
		let table: ConfigPath = [];
		for (this.#take(SPACE); this.#at < this.#text.length; this.#take(SPACE)) {
			const before = this.#at;
			if (this.#text[this.#at] === '[') table = this.#header();
			else this.#entry(table);
			// The parser accepts what this scanner does not know: keep the places so far.
			if (this.#at === before) break;
		}
		return this.#places;
	}

	/** Reads `[table]` or `[[array]]`. */
	#header(): ConfigPath {
		const begin = this.#at;
		const isArray = this.#text.startsWith('[[', begin);
		this.#at += isArray ? 2 : 1;
		this.#take(SPACE);
		const keys = this.#keys();
		this.#take(SPACE);
		this.#at += isArray ? 2 : 1;
		const path: (string | number)[] = [];
		for (const [index, key] of keys.entries()) {
			path.push(key);
			const isLast = index === keys.length - 1;
			// The header of a table is a better place than that of a table inside of it.
			if (isLast && !isArray) this.#places.set(placeKey(path), begin);
			else this.#mark(path, begin);
			const length = this.#lengths.get(placeKey(path)) ?? 0;
			if (isLast && isArray) {
				this.#lengths.set(placeKey(path), length + 1);
				path.push(length);
				this.#mark(path, begin);
			} else if (length > 0) path.push(length - 1);
		}
		return path;
	}

	/** Reads `key = value`. */
	#entry(table: ConfigPath): void {
		const begin = this.#at;
		const keys = this.#keys();
		for (const index of keys.keys()) this.#mark([...table, ...keys.slice(0, index + 1)], begin);
		this.#take(SPACE);
		if (this.#text[this.#at] !== '=') return;
		this.#at++;
		this.#take(SPACE);
		this.#value([...table, ...keys]);
	}

	#value(path: ConfigPath): void {
		const open = this.#text[this.#at];
		if (open !== '[' && open !== '{') {
			this.#take(STRING);
			return;
		}
		this.#at++;
		const end = open === '[' ? ']' : '}';
		for (let index = 0; this.#at < this.#text.length;) {
			this.#take(SPACE);
			const before = this.#at;
			if (this.#text[before] === end) {
				this.#at++;
				return;
			}
			if (this.#text[before] === ',') this.#at++;
			else if (open === '{') this.#entry(path);
			else {
				this.#mark([...path, index], before);
				this.#value([...path, index++]);
			}
			if (this.#at === before) return;
		}
	}

	/** Reads a key such as `a.b."c d"`. */
	#keys(): string[] {
		const keys: string[] = [];
		const text = this.#take(KEYS);
		if (text === '') return keys;
		let value: unknown = parse(`${text} = 0`);
		while (typeof value === 'object' && value !== null) {
			const [entry] = Object.entries(value) as [string, unknown][];
			if (!entry) break;
			keys.push(entry[0]);
			value = entry[1];
		}
		return keys;
	}

	#mark(path: ConfigPath, offset: number): void {
		const key = placeKey(path);
		if (!this.#places.has(key)) this.#places.set(key, offset);
	}

	/** Returns what matches from here, and moves behind it. */
	#take(pattern: RegExp): string {
		pattern.lastIndex = this.#at;
		const [found = ''] = pattern.exec(this.#text) ?? [];
		this.#at += found.length;
		return found;
	}
}
