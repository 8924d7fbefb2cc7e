import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, expect, test } from 'vitest';
import { deadLinks } from '../src/dead-links.ts';

function siteOf(pages: Record<string, string>): string {
	const directory = mkdtempSync(join(tmpdir(), 'dead-links-'));
	onTestFinished(() => rmSync(directory, { recursive: true }));
	for (const [path, html] of Object.entries(pages)) writeFileSync(join(directory, path), html);
	return directory;
}

test('reports pages and headings that do not exist', () => {
	const directory = siteOf({
		'index.html':
			'<a href="/gone.html"></a><a class="x" href="/other.html#gone"></a><a href="#gone"></a>',
		'other.html': '<h1 id="here"></h1><a href="./gone"></a>',
	});
	expect(deadLinks(directory).toSorted()).toEqual([
		'/index.html: #gone names a heading that does not exist',
		'/index.html: /gone.html is not a page',
		'/index.html: /other.html#gone names a heading that does not exist',
		'/other.html: ./gone is not a page',
	]);
});

test('reports no links to other sites, existing pages and existing headings', () => {
	const directory = siteOf({
		'index.html':
			'<a href="https://example.com/x"></a><a href="/base/other.html#here"></a><a href="/base/">',
		'other.html': '<h1 id="here"></h1><a href="#here"></a><a href="./index"></a>',
	});
	expect(deadLinks(directory, '/base/')).toEqual([]);
});
