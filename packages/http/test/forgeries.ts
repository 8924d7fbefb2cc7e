import { mutate } from '@tmcp-sessions/testkit';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Longer ids are rejected by their length alone. */
const MAX_LENGTH = 4_096;

/** Makes an invalid id from real ids, as it arrives in a header. May return a real id by chance. */
export type Forge = (ids: readonly string[], random: () => number) => string;

/** Generators of ids that the server never issued. */
export const forgeries: Readonly<Record<string, Forge>> = {
	'random ids of the right shape': (_, random) =>
		`1.${letters(32, random)}.${letters(42, random)}${oneOf('AEIMQUYcgkosw048', random)}`,
	'mutated ids': (ids, random) => header(mutate(ids, random)),
	'fragments of ids': (ids, random) => {
		const id = oneOf(ids, random);
		const from = random() < 0.5 ? 0 : below(id.length, random);
		return header(id.slice(from, from + below(id.length, random)));
	},
	'respelled ids': (ids, random) => {
		const id = oneOf(ids, random);
		return header(oneOf(spellings, random)(id, random));
	},
};

type Spelling = (id: string, random: () => number) => string;

/** Spellings that an intermediary may treat as equal to the id. */
const spellings: readonly Spelling[] = [
	// The last character has bits that encode no byte.
	(id, random) => id.slice(0, -1) + oneOf(BASE64URL, random),
	(id) => id.toUpperCase(),
	(id) => id.toLowerCase(),
	(id, random) => changeOne(id, random, (character) => swapCase(character)),
	(id, random) => changeOne(id, random, percentEncode),
	(id) => id.split('').map(percentEncode).join(''),
	(id) => encodeURIComponent(id).replaceAll('.', '%2E'),
	(id) => id.replaceAll('-', '+').replaceAll('_', '/'),
	(id) => `${id}=`,
	(id) => id.replace(/\.(?=[^.]+$)/, '=.'),
	(id, random) => changeOne(id, random, (character) => ` ${character}`),
	(id, random) => changeOne(id, random, (character) => `\t${character}`),
	(id) => `\u00A0${id}`,
	(id) => `${id}\u00A0`,
	(id) => `\uFEFF${id}`,
	// Fullwidth characters, which Unicode normalization turns into ASCII.
	(id, random) =>
		changeOne(id, random, (character) => String.fromCodePoint(character.charCodeAt(0) + 0xfee0)),
	(id, random) => changeOne(id, random, (character) => `${character}\u0301`),
	(id, random) => changeOne(id, random, (character) => `${character}\u200B`),
	(id) => `"${id}"`,
	(id) => `<${id}>`,
	(id) => `Bearer ${id}`,
	(id) => `${id}, ${id}x`,
	(id) => `${id},x`,
	(id) => `${id};`,
	(id) => `${id}.`,
	(id) => `.${id}`,
	(id) => id.replace(/^1/, '2'),
	(id) => id.replace(/^1/, '01'),
	(id) => id.replace(/^1\./, ''),
	(id) => id.replaceAll('.', ''),
	(id) => id.replaceAll('.', '..'),
	(id) => id.split('.').toReversed().join('.'),
	(id) => id.split('.').toSpliced(1, 1, '').join('.'),
	(id) => id.split('.').toSpliced(2, 1, '').join('.'),
	(id) => Buffer.from(id).toString('base64url'),
	(id) => Buffer.from(id).toString('hex'),
];

/** Returns the text as a header value: UTF-8 read as Latin-1, trimmed, without forbidden characters. */
function header(text: string): string {
	const bytes = Buffer.from(text, 'utf8').toString('latin1');
	return bytes
		.replaceAll(/[\0\r\n]/g, '')
		.replaceAll(/^[\t ]+|[\t ]+$/g, '')
		.slice(0, MAX_LENGTH);
}

function changeOne(
	id: string,
	random: () => number,
	change: (character: string) => string,
): string {
	const index = below(id.length, random);
	return id.slice(0, index) + change(id.charAt(index)) + id.slice(index + 1);
}

function swapCase(character: string): string {
	const upper = character.toUpperCase();
	return upper === character ? character.toLowerCase() : upper;
}

function percentEncode(character: string): string {
	return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function letters(count: number, random: () => number): string {
	return Array.from({ length: count }, () => oneOf(BASE64URL, random)).join('');
}

function below(count: number, random: () => number): number {
	return Math.floor(random() * count);
}

function oneOf(characters: string, random: () => number): string;
function oneOf<Item>(items: readonly Item[], random: () => number): Item;
function oneOf(items: ArrayLike<unknown>, random: () => number): unknown {
	return items[below(items.length, random)];
}
