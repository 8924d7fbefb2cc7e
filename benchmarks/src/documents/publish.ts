import { readPicture, writePicture } from '../results.ts';
import { publishedPictures, publishedSections } from './published-sections.ts';
import { isCurrent, readDocument, writeSection } from './sections.ts';

/** Writes everything that documents say of `results/`, and the pictures. */
export function publish(): void {
	for (const section of publishedSections()) writeSection(section);
	for (const picture of publishedPictures()) writePicture(picture);
}

/** What documents and pictures say otherwise than `results/`, a line for each. */
export function staleDocuments(): string[] {
	const sections = publishedSections()
		.filter((section) => !isCurrent(readDocument(section.document), section))
		.map(({ document, name }) => `${document}: ${name} is not what benchmarks/results says`);
	const pictures = publishedPictures()
		.filter(({ name, text }) => readPicture(name) !== text)
		.map(({ name }) => `benchmarks/results/${name}.svg is not what ${name}.json says`);
	return [...sections, ...pictures];
}
