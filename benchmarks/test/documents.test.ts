import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishedSections } from '../src/documents/published-sections.ts';
import { staleDocuments } from '../src/documents/publish.ts';
import {
	isCurrent,
	readDocument,
	withoutSections,
	withSection,
} from '../src/documents/sections.ts';

const repository = join(import.meta.dirname, '../..');
const sections = publishedSections();
const documents = ['README.md', 'benchmarks/README.md', 'packages/*/README.md', 'docs/*.md']
	.flatMap((pattern) => globSync(pattern, { cwd: repository }))
	.toSorted();

describe('what documents say of results/', () => {
	test('is what results/ says, else npm run documents, or npm run bench -- --write', () => {
		expect(staleDocuments()).toEqual([]);
	});

	test.each(sections)('$name in $document is stale as soon as a figure differs', (section) => {
		const text = section.text.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
		expect(text).not.toBe(section.text);
		const altered = withSection(readDocument(section.document), { ...section, text });
		expect(isCurrent(altered, section)).toBe(false);
		expect(isCurrent(withSection(altered, section), section)).toBe(true);
	});

	test('has to have its markers', () => {
		const [section = expect.fail()] = sections;
		expect(() => isCurrent('no markers', section)).toThrow('has to hold');
	});
});

/** What a measured speed, time, size or price looks like. */
const figures = [
	/\d ?(µs|ms)\b/,
	/\$ ?\d/,
	/\d ?(KiB|MiB|kB|MB|bytes) (gzip|of workerd|of SQLite|a session|for each)/,
	/\b0\.\d+ of\b/,
	/\b(\d[\d.]*|two|three|four|five|six|ten|dozens of|hundred) times (as (fast|slow|long|much|many)|faster|slower|the (speed|time|price))/,
	/\b(twice|half|a (third|quarter|fifth|tenth)) (of the |the |as )(speed|time|price|fast|slow|long|much|cost)/,
	/\d (%|percent)/,
	/\d (calls|requests) a second/,
];
/** What the platform, a store or a test says, and no benchmark. */
const others = [
	/[Ss]ome 1,000 requests a second/, // the platform's limit
	/than about 3 %/, // `rounds.ts`
	/from five of the eight places it takes between half/, // a test in placement.test.ts
];

describe('what documents say besides', () => {
	test.each(documents)('%s holds no measured figure that is written by hand', (document) => {
		const prose = withoutSections(readDocument(document))
			.replaceAll(/^```.*?^```/gms, '')
			.split('\n');
		const found = prose.filter(
			(line) =>
				figures.some((figure) => figure.test(line)) && !others.some((other) => other.test(line)),
		);
		expect(found).toEqual([]);
	});

	test('a figure that is written by hand is found', () => {
		for (const line of [
			'A call takes 3 ms.',
			'It costs $0.50.',
			'It is five times as fast.',
			'It has 0.9 of the speed.',
			'The bundle has 12.5 KiB gzip.',
		]) {
			expect(figures.some((figure) => figure.test(line))).toBe(true);
		}
	});
});
