import { fromMarkdown } from 'mdast-util-from-markdown';
import type { Code, Html, RootContent } from 'mdast';

/** Where a block runs: in the reader's new folder, or in a checkout of the repository. */
export type Place = 'empty' | 'checkout';

/** A file that the reader creates. */
export interface FileStep {
	readonly kind: 'file';
	readonly line: number;
	readonly path: string;
	readonly content: string;
	readonly place: Place;
}

/** Commands that the reader types, one after the other. */
export interface CommandsStep {
	readonly kind: 'commands';
	readonly line: number;
	/** Text with the line numbers of the document. */
	readonly text: string;
	readonly place: Place;
	/** Texts that the output must contain. */
	readonly expected: readonly string[];
}

/** Commands that do not run, with the reason. */
interface SkippedStep {
	readonly kind: 'skipped';
	readonly line: number;
	readonly reason: string;
}

type Step = FileStep | CommandsStep | SkippedStep;

export interface RunnableDocument {
	/** Path relative to the repository. */
	readonly page: string;
	readonly steps: readonly Step[];
	/** Blocks that the conventions forbid, as `page:line: problem`. */
	readonly problems: readonly string[];
}

const shells = new Set(['bash', 'shell', 'console', 'zsh', 'shell-session']);
const command = /^\$? ?(?:npm|npx|pnpm|bun|bunx|deno|node|curl|openssl|git|cd|mkdir|echo) /m;

/** Reads the steps of a document: fenced `sh` blocks and fenced blocks with a title, in their order. */
export function parseDocument(page: string, markdown: string): RunnableDocument {
	const steps: Step[] = [];
	const problems: string[] = [];
	for (const { node, notes } of blocksOf(fromMarkdown(markdown).children)) {
		const line = node.position?.start.line ?? 0;
		const problem = (text: string) => problems.push(`${page}:${line}: ${text}`);
		const title = /\btitle="([^"]+)"/.exec(node.meta ?? '')?.[1];
		const place = notes.some((note) => note === 'in: checkout') ? 'checkout' : 'empty';
		const reason = notes.map((note) => /^not run: (.+)$/s.exec(note)?.[1]).find(Boolean);
		if (node.lang === 'sh') {
			if (reason !== undefined) steps.push({ kind: 'skipped', line, reason });
			else if (notes.includes('not run:') || notes.includes('not run'))
				problem('`not run` must name a reason: <!-- not run: REASON -->');
			else {
				const expected = notes.flatMap((note) => /^prints: (.+)$/.exec(note)?.[1] ?? []);
				steps.push({ kind: 'commands', line, text: node.value, place, expected });
			}
		} else if (title !== undefined) {
			if (reason !== undefined) steps.push({ kind: 'skipped', line, reason });
			else steps.push({ kind: 'file', line, path: title, content: `${node.value}\n`, place });
		} else if (shells.has(node.lang ?? '')) problem(`the block is ${node.lang}; use sh`);
		else if (!node.lang && command.test(node.value))
			problem('commands outside of a fenced sh block; use ```sh');
	}
	return { page, steps, problems };
}

interface Block {
	readonly node: Code;
	/** Texts of the HTML comments right above the block. */
	readonly notes: readonly string[];
}

/** Returns the code blocks in their order, also those in lists and quotes. */
function* blocksOf(nodes: readonly RootContent[]): Generator<Block> {
	let comments: Html[] = [];
	for (const node of nodes) {
		if (node.type === 'html') {
			comments.push(node);
			continue;
		}
		if (node.type === 'code') yield { node, notes: comments.flatMap(notesOf) };
		else if ('children' in node) yield* blocksOf(node.children);
		comments = [];
	}
}

function notesOf({ value }: Html): string[] {
	return [...value.matchAll(/<!--\s*([^]*?)\s*-->/g)].map(([, text = '']) =>
		text.replaceAll(/\s+/g, ' '),
	);
}
