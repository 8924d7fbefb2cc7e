import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../../..');

/** Generated text in a document, between markers on lines of their own or within a line. */
export interface Section {
	/** The document's path in the repository. */
	readonly document: string;
	/** The name in the markers. */
	readonly name: string;
	readonly text: string;
}

/** Reads a document by its path in the repository. */
export function readDocument(document: string): string {
	return readFileSync(join(repository, document), 'utf8');
}

/** Writes a section between the markers of its document. */
export function writeSection(section: Section): void {
	const { document } = section;
	writeFileSync(join(repository, document), withSection(readDocument(document), section));
}

/** Returns a document with the text of a section. Throws unless it has each marker once. */
export function withSection(source: string, section: Section): string {
	const { before, between, after } = split(source, section);
	const gap = between.includes('\n') ? '\n\n' : '';
	return `${before}${gap}${section.text}${gap}${after}`;
}

/** Whether a document contains the text of a section. */
export function isCurrent(source: string, section: Section): boolean {
	return split(source, section).between.trim() === section.text;
}

/** Returns a document without its generated text. */
export function withoutSections(source: string): string {
	return source.replaceAll(/<!-- ([\w-]+): begin -->.*?<!-- \1: end -->/gs, '');
}

function split(
	source: string,
	{ document, name }: Section,
): { before: string; between: string; after: string } {
	const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
	const [before, rest, ...more] = source.split(begin);
	const [between, after, ...others] = (rest ?? '').split(end);
	if (between === undefined || after === undefined || more.length + others.length > 0) {
		throw new Error(`${document} must contain ${begin} and ${end} once each`);
	}
	return { before: `${before}${begin}`, between, after: `${end}${after}` };
}
