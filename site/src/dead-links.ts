import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normalize } from 'node:path/posix';

interface Page {
	/** Address on the site without its base. */
	readonly path: string;
	readonly links: readonly string[];
	readonly ids: ReadonlySet<string>;
}

const decode = (text: string): string => decodeURIComponent(text.replaceAll('&amp;', '&'));

function readPage(directory: string, path: string): Page {
	const html = readFileSync(join(directory, path), 'utf8');
	return {
		path: `/${path}`,
		links: [...html.matchAll(/<a\b[^>]*\shref="([^"]*)"/g)].map(([, href = '']) => decode(href)),
		ids: new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => decode(id))),
	};
}

/** Returns the file of an address: `/api/` is `/api/index.html`, and `/start` is `/start.html`. */
function fileOf(address: string): string {
	if (address.endsWith('/')) return `${address}index.html`;
	return address.endsWith('.html') ? address : `${address}.html`;
}

/**
 * Returns the links of a built site to pages or headings that do not exist, one message each. VitePress
 * reports missing pages itself, but no missing headings, and no links of the navigation.
 */
export function deadLinks(directory: string, base = '/'): string[] {
	const pages = new Map(
		globSync('**/*.html', { cwd: directory }).map((path) => [
			`/${path}`,
			readPage(directory, path),
		]),
	);
	const problems = new Set<string>();
	for (const page of pages.values()) {
		for (const link of page.links) {
			if (/^[a-z]+:|^\/\//.test(link)) continue;
			const [path = '', anchor] = link.split('#');
			const address = path.startsWith('/')
				? `/${path.slice(base.length)}`
				: normalize(join(page.path, '..', path));
			const target = path === '' ? page : pages.get(fileOf(address));
			if (target === undefined) problems.add(`${page.path}: ${link} is not a page`);
			else if (anchor && !target.ids.has(anchor))
				problems.add(`${page.path}: ${link} names a heading that does not exist`);
		}
	}
	return [...problems];
}
