/**
 * What nearly every client says, each as one control character, which JSON itself never has: it
 * escapes them. So this is undone by putting the words back, whatever a client says. Ids of usual
 * clients become a sixth to a third shorter; CBOR makes them as short at best, for a library.
 *
 * The order is part of the form of an id: a change of it is another form.
 */
const WORDS = [
	'"listChanged":true',
	'"elicitation":{',
	'"websiteUrl":"https://',
	'"sampling":{',
	'"version":"',
	'"roots":{',
	'"title":"',
	'"name":"',
	'"form":{}',
	'"url":{}',
	'"2025-',
];
const FIRST = 1;

/** As short a text as this value fits. */
export function toCompactJson(value: unknown): string {
	return WORDS.reduce(
		(text, word, index) => text.replaceAll(word, String.fromCharCode(FIRST + index)),
		JSON.stringify(value),
	);
}

/** The value that `toCompactJson` made the text of. */
export function fromCompactJson(text: string): unknown {
	return JSON.parse(
		WORDS.reduce(
			(json, word, index) => json.replaceAll(String.fromCharCode(FIRST + index), word),
			text,
		),
	);
}
