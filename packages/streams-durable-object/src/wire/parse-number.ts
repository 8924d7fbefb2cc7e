/** Parses a number of a URL or header. @returns `undefined` if it is absent or no safe integer. */
export function parseNumber(text: string | null): number | undefined {
	const number = Number(text ?? Number.NaN);
	return Number.isSafeInteger(number) ? number : undefined;
}
