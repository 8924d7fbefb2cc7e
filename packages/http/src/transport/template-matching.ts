import { UriTemplateMatcher } from 'uri-template-matcher';
import type {
	ExpressionPart,
	MatchResult,
	ParsedTemplate,
	TemplatePart,
} from 'uri-template-matcher';

/** The registered templates, which the type of the class omits. */
type Registered = Partial<Record<'templates', readonly ParsedTemplate[]>>;
type Match = (this: object, uri: string) => MatchResult | null;

/** A URI that is matched with many templates. */
interface Uri {
	readonly text: string;
	/** The codes of its characters, which are faster to read. */
	readonly codes: Uint16Array;
	/** Where the last parts of templates match, by their shape: most templates of a server share it. */
	readonly matches: Map<string, Uint8Array>;
}

const HASH = 0x23;
const DOT = 0x2e;
const SLASH = 0x2f;

let isInstalled = false;

/**
 * Makes tmcp match URIs with templates in linear time. Its matcher (uri-template-matcher 1.1.2) tries
 * every combination of the places at which expressions may end: one template could take it minutes for
 * 2 KiB. It is a private field of the server, so that the class has to change. See `docs/upstream.md`.
 */
export function matchTemplatesInLinearTime(): void {
	if (isInstalled) return;
	isInstalled = true;
	const { prototype } = UriTemplateMatcher;
	// oxlint-disable-next-line typescript/unbound-method -- Safe because it is only called with a receiver
	const matchOne: Match = prototype.match;
	prototype.match = function match(this: Registered, text) {
		// The last code is that of no character: the end of the URI.
		const codes = new Uint16Array(text.length + 1);
		for (let at = 0; at < text.length; at++) codes[at] = text.charCodeAt(at);
		const uri: Uri = { text, codes, matches: new Map() };
		for (const template of this.templates ?? []) {
			const ends = endsOf(uri, template.parts);
			if (!ends) continue;
			try {
				const params = paramsOf(text, template.parts, ends, matchOne);
				if (params) return { template: template.template, params };
			} catch {
				// The URI has an invalid percent-encoding, with which it names nothing.
				return null;
			}
		}
		return null;
	};
}

/** @throws {URIError} for an invalid percent-encoding. */
function paramsOf(
	uri: string,
	parts: readonly TemplatePart[],
	ends: readonly number[],
	matchOne: Match,
): MatchResult['params'] | undefined {
	const params = {};
	for (const [index, part] of parts.entries()) {
		if (part.type === 'literal') continue;
		// A template of one expression can end in one place only. The library decodes its values.
		const own = { templates: [{ template: '', parts: [part] }] };
		const matched = matchOne.call(own, uri.slice(ends[index - 1] ?? 0, ends[index]));
		if (!matched) return undefined;
		Object.assign(params, matched.params);
	}
	return params;
}

/** Returns where each part of a template ends in a URI; undefined if the URI does not match. */
function endsOf(uri: Uri, parts: readonly TemplatePart[]): number[] | undefined {
	const { text } = uri;
	if (parts.length === 0) return text === '' ? [] : undefined;
	const [first, last] = [parts[0], parts.at(-1)];
	if (first?.type === 'literal' && !text.startsWith(first.value)) return undefined;
	if (last?.type === 'literal' && !text.endsWith(last.value)) return undefined;
	const matches = suffixMatches(uri, parts);
	if (!matches) return undefined;
	const ends: number[] = [];
	let start = 0;
	for (const [index, part] of parts.entries()) {
		const rest: Uint8Array | undefined = matches[index];
		if (!rest) return undefined;
		const end: number =
			part.type === 'literal'
				? start + part.value.length
				: endOf(uri, start, part, parts[index + 1], rest);
		if (rest[end] !== 1) return undefined;
		ends.push(end);
		start = end;
	}
	return ends;
}

/**
 * Returns, for each part and each position, 1 if the rest of the URI matches what comes after the part.
 * Computed from the last part to the first, in one pass over the URI each. Undefined if nothing matches.
 */
function suffixMatches(uri: Uri, parts: readonly TemplatePart[]): Uint8Array[] | undefined {
	const { length } = uri.text;
	let rest: Uint8Array = new Uint8Array(length + 1);
	rest[length] = 1;
	const matches = [rest];
	const shapes = shapesOf(parts);
	for (const [index, part] of [...parts.entries()].slice(1).toReversed()) {
		const shape = shapes[index] ?? '';
		let own = uri.matches.get(shape);
		if (!own) {
			own = new Uint8Array(length + 1);
			if (part.type === 'literal') fillLiteral(own, uri, part.value, rest);
			else fillExpression(own, uri, part, parts[index + 1], rest);
			uri.matches.set(shape, own);
		}
		if (!own.includes(1)) return undefined;
		matches.unshift(own);
		rest = own;
	}
	return matches;
}

const shapesByParts = new WeakMap<readonly TemplatePart[], readonly string[]>();

/** Returns, for each part, what it and the parts after it match: the same text for other variables. */
function shapesOf(parts: readonly TemplatePart[]): readonly string[] {
	const known = shapesByParts.get(parts);
	if (known) return known;
	const shapes = parts.map((_, index) =>
		JSON.stringify(
			parts
				.slice(index)
				.map((part) => (part.type === 'literal' ? [part.value] : (part.operator ?? ''))),
		),
	);
	shapesByParts.set(parts, shapes);
	return shapes;
}

/** Sets the positions at which a literal matches. */
function fillLiteral(own: Uint8Array, { codes }: Uri, value: string, rest: Uint8Array): void {
	const { length } = value;
	for (let at = own.length - 1 - length; at >= 0; at--) {
		if (rest[at + length] !== 1) continue;
		let matched = 0;
		while (matched < length && codes[at + matched] === value.charCodeAt(matched)) matched++;
		if (matched === length) own[at] = 1;
	}
}

/** Sets the positions at which an expression may start. */
function fillExpression(
	own: Uint8Array,
	{ codes, text }: Uri,
	{ operator }: ExpressionPart,
	next: TemplatePart | undefined,
	rest: Uint8Array,
): void {
	const isSimple = operator === undefined;
	const isFragment = operator === '#';
	const boundary = boundaryOf(next);
	/** Whether the expression may end after this position. */
	let canEnd = false;
	for (let at = text.length; at >= 0; at--) {
		const code = codes[at];
		if (isSimple && code === SLASH) canEnd = false;
		const endsHere = rest[at] === 1 && mayEnd(code, boundary);
		if (endsHere || (canEnd && (!isFragment || code === HASH))) own[at] = 1;
		canEnd ||= endsHere;
	}
	// A URI that ends with a slash does not name what comes after it.
	if (isSimple && text.endsWith('/')) own[text.length] = 0;
}

/** Returns where an expression ends: as late as possible before a simple expression, else as early. */
function endOf(
	{ codes, text }: Uri,
	start: number,
	{ operator }: ExpressionPart,
	next: TemplatePart | undefined,
	rest: Uint8Array,
): number {
	const isLongest = next?.type === 'expression' && next.operator === undefined;
	const boundary = boundaryOf(next);
	const isEmptyFragment = operator === '#' && codes[start] !== HASH;
	const isAtEnd = start === text.length;
	if (operator === undefined && isAtEnd && text.endsWith('/')) return -1;
	let end = -1;
	for (let at = start; at <= text.length; at++) {
		if (rest[at] === 1 && mayEnd(codes[at], boundary)) {
			end = at;
			if (!isLongest) break;
		}
		if (isEmptyFragment || (operator === undefined && codes[at] === SLASH)) break;
	}
	return end;
}

/** Returns the code that has to follow an expression; undefined if every one may. */
function boundaryOf(next: TemplatePart | undefined): number | undefined {
	if (next?.type !== 'expression') return undefined;
	return next.operator === '/' ? SLASH : next.operator === '.' ? DOT : undefined;
}

/** A label is optional: the end of the URI may come in its place. */
function mayEnd(code: number | undefined, boundary: number | undefined): boolean {
	return boundary === undefined || code === boundary || (boundary === DOT && code === 0);
}
