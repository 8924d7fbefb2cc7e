import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { slug } from 'github-slugger';
import { defineConfig } from 'vitepress';
import type { DefaultTheme } from 'vitepress';
import { renderDiagram } from '../src/diagrams.ts';
import { pages, read } from '../src/paths.ts';
import { sections } from '../src/sidebar.ts';

const { homepage, description } = JSON.parse(read('package.json')) as Record<string, string>;
const { version } = JSON.parse(read('packages/http/package.json')) as { version: string };
const github = homepage?.replace('#readme', '') ?? '';

const icon = `data:image/svg+xml,${encodeURIComponent(
	'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#3451b2"/><path d="M4 5h8M8 5v7" stroke="#fff" stroke-width="2"/></svg>',
)}`;

/** Returns the first heading of a page as text. */
function titleOf(page: string): string {
	const [, heading = page] =
		/^# (.+)$/m.exec(readFileSync(join(pages, `${page}.md`), 'utf8')) ?? [];
	return heading.replaceAll(/[`\\]/g, '').replace('@tmcp-sessions/', '');
}

/** Returns the pages of a pattern of the sidebar, `index` first. */
function pagesOf(pattern: string): string[] {
	if (!pattern.includes('*')) return [pattern];
	return globSync(pattern.replace('*', '**/*.md'), { cwd: pages })
		.map((path) => path.replace(/\.md$/, ''))
		.toSorted(
			(a, b) => Number(b.endsWith('/index')) - Number(a.endsWith('/index')) || (a < b ? -1 : 1),
		);
}

function sidebar(): DefaultTheme.SidebarItem[] {
	const listed = sections.flatMap((section) => section.pages.flatMap(pagesOf));
	const unlisted = globSync('**/*.md', { cwd: pages })
		.map((path) => path.replace(/\.md$/, ''))
		.filter((page) => page !== 'index' && !listed.includes(page));
	if (unlisted.length > 0)
		throw new Error(`site/src/sidebar.ts: list ${unlisted.join(', ')} in a section`);
	return sections.map(({ title, pages, isFolded }) => ({
		text: title,
		...(isFolded === undefined ? {} : { collapsed: isFolded }),
		items: pages.flatMap(pagesOf).map((page) => ({ text: titleOf(page), link: `/${page}` })),
	}));
}

export default defineConfig({
	title: 'tmcp-sessions',
	...(description === undefined ? {} : { description }),
	lang: 'en',
	// Without one, browsers ask for /favicon.ico.
	head: [['link', { rel: 'icon', type: 'image/svg+xml', href: icon }]],
	srcDir: 'pages',
	ignoreDeadLinks: 'localhostLinks',
	outDir: 'dist',
	// The address of the site is relative to the folder that it is published in: `SITE_BASE=/name/`.
	base: process.env['SITE_BASE'] ?? '/',
	// The index of the search is large; a page loads it only when a reader searches.
	vite: { logLevel: 'warn', build: { chunkSizeWarningLimit: 4_000 } },
	markdown: {
		// The headings get the anchors that they have on GitHub.
		anchor: { slugify: (heading) => slug(heading) },
		config(md) {
			const fence = md.renderer.rules.fence;
			md.renderer.rules.fence = (tokens, index, ...rest) => {
				const token = tokens[index];
				if (token?.info.trim() === 'mermaid') return renderDiagram(token.content);
				return fence?.(tokens, index, ...rest) ?? '';
			};
		},
	},
	transformPageData({ frontmatter }) {
		// The API reference has no document as its source.
		if (frontmatter['source'] === undefined) frontmatter['editLink'] = false;
	},
	themeConfig: {
		nav: [
			{ text: 'Start', link: '/start' },
			{ text: 'API', link: '/api/' },
			{ text: 'Troubleshooting', link: '/troubleshooting' },
			{
				text: version === '0.0.0' ? 'unreleased' : version,
				items: [
					{ text: 'Versions and support', link: '/support' },
					{ text: 'Releases', link: `${github}/releases` },
				],
			},
		],
		sidebar: sidebar(),
		outline: { level: [2, 3] },
		search: {
			provider: 'local',
			options: {
				detailedView: true,
				miniSearch: {
					searchOptions: {
						boost: { title: 6, titles: 3 },
						// Runs in the browser too. A reader looks for help first, and for declarations last.
						boostDocument: (id: string) =>
							id.includes('/troubleshooting') ? 2 : id.includes('/api/') ? 0.7 : 1,
					},
				},
			},
		},
		socialLinks: [{ icon: 'github', link: github }],
		editLink: {
			// Runs in the browser too, where it sees no variables of this file.
			pattern: ({ frontmatter }) => String(frontmatter['source']),
			text: 'The source of this page',
		},
		footer: { message: `MIT · version ${version}` },
	},
});
