const ALPHABET =
	'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. %\n\u0000é🚀';

/** Numbers from 0 up to and without 1, the same for the same seed: mulberry32. */
export function seededRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** One of the texts with one to four changes: characters, pieces of the others, nothing, all anew. */
export function mutate(texts: readonly string[], random: () => number): string {
	const below = (count: number): number => Math.floor(random() * count);
	const oneOf = (): string => texts[below(texts.length)] ?? '';
	const noise = (length: number): string =>
		Array.from({ length }, () => ALPHABET[below(ALPHABET.length)]).join('');
	let text = oneOf();
	for (let changes = 1 + below(4); changes > 0; changes--) {
		const from = below(text.length + 1);
		const to = from + below(text.length - from + 1);
		const other = oneOf();
		const replacements = [
			noise(1 + below(4)),
			'',
			other.slice(from, to),
			other.slice(below(other.length)),
			text.slice(from, to).toLowerCase(),
			text.slice(from, to).repeat(2),
		];
		const end = random() < 0.5 ? to : Math.min(from + 1, text.length);
		text = text.slice(0, from) + (replacements[below(replacements.length)] ?? '') + text.slice(end);
	}
	return random() < 0.02 ? noise(below(200)) : text;
}
