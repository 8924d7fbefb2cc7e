import { TmcpSessionsError } from './errors.ts';

/** The names of all options. A record, because the compiler then reports a name that is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Options, 1>>;

/**
 * Rejects options with unknown names, which would be ignored otherwise: the compiler checks neither
 * JavaScript nor objects that are passed by a variable.
 *
 * @param origin the package that has the options.
 * @param owner what takes the options, such as `createMcpHandler`.
 * @param elsewhere by the names of other libraries, what does the same here.
 * @throws {TmcpSessionsError} `configuration` for the first unknown name that is set, with a known one
 * that is similar.
 */
export function rejectUnknownOptions(
	options: object,
	names: Readonly<Record<string, 1>>,
	origin: string,
	owner: string,
	elsewhere: Readonly<Record<string, string>> = {},
): void {
	for (const [name, value] of Object.entries(options)) {
		if (value === undefined || Object.hasOwn(names, name)) continue;
		const known = Object.keys(names);
		const meant = Object.hasOwn(elsewhere, name) ? elsewhere[name] : similarTo(name, known);
		const hint = meant === undefined ? '. ' : `; did you mean ${meant}? `;
		throw new TmcpSessionsError(
			'configuration',
			origin,
			`${owner} has no option ${name}${hint}It has ${known.join(', ')}`,
		);
	}
}

/** The most differences between a name and what was meant. */
const MAX_DISTANCE = 3;

/** Returns the known name that another one misspells, or begins. */
function similarTo(name: string, known: readonly string[]): string | undefined {
	const lower = name.toLowerCase();
	const distances = known.map((each) => distance(lower, each.toLowerCase()));
	const least = Math.min(...distances);
	const nearest = known[distances.indexOf(least)];
	const isSimilar = least <= MAX_DISTANCE && least < name.length / 2;
	return isSimilar ? nearest : known.find((each) => each.toLowerCase().startsWith(lower));
}

/** Returns how many characters have to be added, removed or replaced (Levenshtein). */
export function distance(from: string, to: string): number {
	let row = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let index = 0; index < from.length; index++) {
		const next = [index + 1];
		for (let column = 0; column < to.length; column++) {
			const replaced = (row[column] ?? 0) + (from[index] === to[column] ? 0 : 1);
			next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
		}
		row = next;
	}
	return row.at(-1) ?? 0;
}
