import { mutate } from '@tmcp-sessions/testkit';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Longer ones are refused by their length alone. */
const MAX_LENGTH = 4_096;

/** Makes an id that is none from real ones, as it arrives in a header. May also hit a real one. */
export type Forge = (ids: readonly string[], random: () => number) => string;

/** Ways to come by ids that nobody was given. */
export const forgeries: Readonly<Record<string, Forge>> = {
	'ids of the right shape': (_, random) =>
		`1.${letters(32, random)}.${letters(42, random)}${oneOf('AEIMQUYcgkosw048', random)}`,
	'ids with some changes': (ids, random) => header(mutate(ids, random)),
	'parts of ids': (ids, random) => {
		const id = oneOf(ids, random);
		const from = random() < 0.5 ? 0 : below(id.length, random);
		return header(id.slice(from, from + below(id.length, random)));
	},
	'ids that are spelled differently': (ids, random) => {
		const id = oneOf(ids, random);
		return header(oneOf(spellings, random)(id, random));
	},
};

type Spelling = (id: string, random: () => number) => string;

/** Other texts that something between may take for the same. */
const spellings: readonly Spelling[] = [
	// Bits of the last character that stand for no byte.
	(id, random) => id.slice(0, -1) + oneOf(BASE64URL, random),
	(id) => id.toUpperCase(),
	(id) => id.toLowerCase(),
	(id, random) => at(id, random, (character) => swapCase(character)),
	(id, random) => at(id, random, percentEncoded),
	(id) => id.split('').map(percentEncoded).join(''),
	(id) => encodeURIComponent(id).replaceAll('.', '%2E'),
	(id) => id.replaceAll('-', '+').replaceAll('_', '/'),
	(id) => `${id}=`,
	(id) => id.replace(/\.(?=[^.]+$)/, '=.'),
	(id, random) => at(id, random, (character) => ` ${character}`),
	(id, random) => at(id, random, (character) => `\t${character}`),
	(id) => `\u00A0${id}`,
	(id) => `${id}\u00A0`,
	(id) => `\uFEFF${id}`,
	// Fullwidth, which normalisation makes ASCII of.
	(id, random) =>
		at(id, random, (character) => String.fromCodePoint(character.charCodeAt(0) + 0xfee0)),
	(id, random) => at(id, random, (character) => `${character}\u0301`),
	(id, random) => at(id, random, (character) => `${character}\u200B`),
	(id) => `"${id}"`,
	(id) => `<${id}>`,
	(id) => `Bearer ${id}`,
	(id) => `${id}, ${id}`,
	(id) => `${id},${id}`,
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

/** As a client's UTF-8 is read from a header: byte by byte, trimmed, without what no header carries. */
function header(text: string): string {
	const bytes = Buffer.from(text, 'utf8').toString('latin1');
	return bytes
		.replaceAll(/[\0\r\n]/g, '')
		.replaceAll(/^[\t ]+|[\t ]+$/g, '')
		.slice(0, MAX_LENGTH);
}

function at(id: string, random: () => number, change: (character: string) => string): string {
	const place = below(id.length, random);
	return id.slice(0, place) + change(id.charAt(place)) + id.slice(place + 1);
}

function swapCase(character: string): string {
	const upper = character.toUpperCase();
	return upper === character ? character.toLowerCase() : upper;
}

function percentEncoded(character: string): string {
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
