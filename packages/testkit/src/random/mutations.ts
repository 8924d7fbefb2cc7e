const ALPHABET =
	'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. %\n\u0000é🚀';

/**
 * Creates a generator of numbers from 0 (inclusive) to 1 (exclusive) with mulberry32. The same seed
 * gives the same numbers.
 */
export function seededRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Returns a run of characters that a header, a URL or a store may treat specially. */
function noise(length: number, random: () => number): string {
	let text = '';
	for (let index = 0; index < length; index++) {
		text += ALPHABET[Math.floor(random() * ALPHABET.length)] ?? '';
	}
	return text;
}

/**
 * Returns one of the texts with one to four changes. A change replaces a part of the text by noise,
 * nothing, a part of another text, or itself in lower case or twice. One mutation in 50 is all noise.
 */
export function mutate(texts: readonly string[], random: () => number): string {
	const below = (count: number): number => Math.floor(random() * count);
	const oneOf = (): string => texts[below(texts.length)] ?? '';
	const replacements: readonly ((text: string, from: number, to: number) => string)[] = [
		() => noise(1 + below(4), random),
		() => '',
		(_, from, to) => oneOf().slice(from, to),
		() => {
			const other = oneOf();
			return other.slice(below(other.length));
		},
		(text, from, to) => text.slice(from, to).toLowerCase(),
		(text, from, to) => text.slice(from, to).repeat(2),
	];
	let text = oneOf();
	for (let changes = 1 + below(4); changes > 0; changes--) {
		const from = below(text.length + 1);
		const to = from + below(text.length - from + 1);
		const end = random() < 0.5 ? to : Math.min(from + 1, text.length);
		const replace = replacements[below(replacements.length)];
		text = text.slice(0, from) + (replace?.(text, from, to) ?? '') + text.slice(end);
	}
	return random() < 0.02 ? noise(below(200), random) : text;
}
