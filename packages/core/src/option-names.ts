import { TmcpSessionsError } from './errors.ts';

/** The names of all options. A record, because the compiler then reports a name that is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Options, 1>>;

/**
 * Rejects options with unknown names, which would be ignored otherwise: the compiler checks neither
 * JavaScript nor objects that are passed by a variable.
 *
 * @param origin the package that has the options.
 * @param owner what takes the options, such as `createMcpHandler`.
 * @throws {TmcpSessionsError} `configuration` for the first unknown name that is set, with the nearest
 * known one.
 */
export function rejectUnknownOptions(
	options: object,
	names: Readonly<Record<string, 1>>,
	origin: string,
	owner: string,
): void {
	for (const [name, value] of Object.entries(options)) {
		if (value === undefined || Object.hasOwn(names, name)) continue;
		const known = Object.keys(names);
		const distances = known.map((each) => distance(name.toLowerCase(), each.toLowerCase()));
		const nearest = known[distances.indexOf(Math.min(...distances))];
		throw new TmcpSessionsError(
			'configuration',
			origin,
			`${owner} has no option ${name}; did you mean ${nearest}? It has ${known.join(', ')}`,
		);
	}
}

/** Returns how many characters have to be added, removed or replaced (Levenshtein). */
function distance(from: string, to: string): number {
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
