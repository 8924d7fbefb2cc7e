import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
	isCurrent,
	publishedSections,
	readDocument,
	staleDocuments,
	withoutSections,
	withSection,
} from '../src/reports/documents.ts';

const repository = join(import.meta.dirname, '../..');
const sections = publishedSections();
const documents = ['README.md', 'benchmarks/README.md', 'packages/*/README.md', 'docs/*.md']
	.flatMap((pattern) => globSync(pattern, { cwd: repository }))
	.toSorted();

describe('a generated section', () => {
	test('agrees with results/; if not, run npm run documents', async () => {
		expect(await staleDocuments()).toEqual([]);
	});

	test.each(sections)('$name in $document becomes stale if a figure changes', (section) => {
		const text = section.text.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
		expect(text).not.toBe(section.text);
		const altered = withSection(readDocument(section.document), { ...section, text });
		expect(isCurrent(altered, section)).toBe(false);
		expect(isCurrent(withSection(altered, section), section)).toBe(true);
	});

	test('needs its markers in the document', () => {
		const [section = expect.fail()] = sections;
		expect(() => isCurrent('no markers', section)).toThrow('must contain');
	});
});

/** Patterns of a measured speed, time, size or price. */
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
/** Figures that are not from a benchmark. */
const others = [
	/[Ss]ome 1,000 requests a second/, // the platform's limit
	/than about 3 %/, // `measurement.ts`
	/no response within \d+ ms/, // an error message
];

describe('text outside of generated sections', () => {
	test.each(documents)('contains no measured figure in %s', (document) => {
		const prose = withoutSections(readDocument(document))
			.replaceAll(/^```.*?^```/gms, '')
			.split('\n');
		const found = prose.filter(
			(line) =>
				figures.some((figure) => figure.test(line)) && !others.some((other) => other.test(line)),
		);
		expect(found).toEqual([]);
	});

	test('has patterns that recognize measured figures', () => {
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
