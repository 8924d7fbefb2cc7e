import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessages, textsOfCode } from './error-messages.ts';
import type { ErrorMessage } from './error-messages.ts';
import { rewriteLinks } from './links.ts';
import { githubUrl, pages, read } from './paths.ts';

const operations = 'docs/operations.md';
const troubleshooting = 'docs/troubleshooting.md';
const ofOtherPrograms = /^(?:Your Worker depends|Cannot create binding)/;
const page = 'messages.md';

/** Returns the rows of the error codes in operations.md. */
function* codeRows(): Generator<[code: string, cause: string, toDo: string]> {
	const [table = ''] = /<!-- codes: begin -->[^]*<!-- codes: end -->/.exec(read(operations)) ?? [];
	for (const [, code = '', cause = '', toDo = ''] of table.matchAll(
		/^\| `([a-z-]+)` +\| (.+?) +\| (.+?) +\|$/gm,
	))
		if (code !== 'code') yield [code, cause, toDo];
}

/** Returns the last cells of the rows of operations.md that start with a code or with statuses. */
function adviceOf(): Map<string, string> {
	const advice = new Map<string, string>();
	for (const [, first = '', cells = ''] of read(operations).matchAll(/^\| ([^|]+) \| (.+) \|$/gm)) {
		const [, last = ''] = cells.split(' | ');
		const [, code] = /^`([a-z-]+)` *$/.exec(first) ?? [];
		const statuses = /^[\d ,]+/.test(first)
			? [...first.matchAll(/\b\d{3}\b/g)].map(([status]) => status)
			: [];
		for (const key of code === undefined ? statuses : [code])
			if (!advice.has(key)) advice.set(key, last.trim());
	}
	return advice;
}

/** Returns where a message appears and what to do about it. */
function explain(message: ErrorMessage, advice: ReadonlyMap<string, string>): string {
	const { base, code, file } = message;
	const source = `Source: [${file.split('/').at(-1) ?? ''}](${githubUrl(file)}).`;
	const generally = advice.get(code);
	const toDo = generally === undefined ? '' : `${rewriteLinks(operations, page, generally)}. `;
	if (base === 'HttpRejection') {
		const status =
			/^\d+$/.test(code) && code !== '200' ? ` with status ${code}` : ' as a JSON-RPC error';
		return `Sent to a client${status}. ${capitalize(toDo)}${source}`;
	}
	if (base === 'console.warn' || base === 'warnOnce') return `A warning in the log. ${source}`;
	if (base !== 'TmcpSessionsError') return `Printed by [\`tmcp-sessions\`](cli.md). ${source}`;
	if (generally === undefined)
		throw new Error(`${operations} has no row for \`${code}\`, the code of an error of ${file}`);
	return `An error with code \`${code}\`. ${capitalize(toDo)}${source}`;
}

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Makes a message the text of a heading in Markdown. */
const headingOf = (text: string): string =>
	text.replaceAll(/[`<>*_[\]{}\\|]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * Returns the headings of troubleshooting.md that quote no message of the packages any more. Those of
 * other programs name them, and those without a quotation describe what happens.
 */
function* staleHeadings(): Generator<string> {
	const texts = textsOfCode();
	for (const [, heading = ''] of read(troubleshooting).matchAll(/^### `([^`]+)`$/gm)) {
		const quoted = patternOf(heading);
		const isOurs = texts.some((text) => quoted.test(text) || patternOf(text).test(heading));
		if (!isOurs && !ofOtherPrograms.test(heading)) yield heading;
	}
}

/** Returns a pattern of a message: `…` stands for any text. */
function patternOf(message: string): RegExp {
	const parts = message.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
	return new RegExp(parts.join('.*'));
}

/**
 * Writes the page of every error message, from the code of the packages.
 *
 * @throws if an error code has no row in docs/operations.md, or docs/troubleshooting.md quotes a message
 *   that no package has.
 */
export function writeMessages(): void {
	const stale = [...staleHeadings()];
	if (stale.length > 0)
		throw new Error(`${troubleshooting} quotes messages that no package has:\n${stale.join('\n')}`);
	const advice = adviceOf();
	const byPackage = Map.groupBy(errorMessages(), ({ folder }) => folder);
	const codes = [...codeRows()].map(
		([code, cause, toDo]) =>
			`### \`${code}\`\n\nThe \`code\` of an error: ${rewriteLinks(operations, page, `${cause}. To do: ${toDo}`)}.`,
	);
	const sections = [...byPackage].map(([folder, messages]) => {
		const entries = messages.map(
			(message) => `### ${headingOf(message.text)}\n\n${explain(message, advice)}`,
		);
		return `## ${folder}\n\n${entries.join('\n\n')}`;
	});
	const text = [
		'---\noutline: 2\n---',
		'# Every error message',
		'Generated from the code of the packages. `…` stands for a value. Each message says what failed, what was found and what to do; in a log it begins with the name of its package, such as `[tmcp-sessions/http]`. [Troubleshooting](troubleshooting.md) explains the mistakes that are made most, and [operations](operations.md#what-to-watch) each code.',
		`## Error codes\n\n${codes.join('\n\n')}`,
		...sections,
	];
	mkdirSync(pages, { recursive: true });
	writeFileSync(join(pages, page), `${text.join('\n\n')}\n`);
}
