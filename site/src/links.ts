import { existsSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path/posix';
import { githubUrl, repository } from './paths.ts';

/** Headings of README.md that the page `start` has; the others are on the home page. */
export const startSections: readonly string[] = ['Your first server', 'What you choose'];

const rootPages: Readonly<Record<string, string>> = {
	'README.md': 'index.md',
	'SECURITY.md': 'security.md',
	'CONTRIBUTING.md': 'contributing.md',
};

/** The images of the documents, which the site has a copy of. */
export const images = 'benchmarks/results/*.svg';

function imageOf(path: string): string | undefined {
	const [, name] = /^benchmarks\/results\/(.+\.svg)$/.exec(path) ?? [];
	return name && `images/${name}`;
}

/** Returns the page or the image of a document of the repository, or `undefined` if the site does not have it. */
export function pageOf(document: string): string | undefined {
	const [, name] = /^packages\/([^/]+)(?:\/README\.md)?$/.exec(document) ?? [];
	if (name !== undefined) return `packages/${name}.md`;
	const [, page] = /^docs\/(.+\.md)$/.exec(document) ?? [];
	return page ?? imageOf(document) ?? rootPages[document];
}

/** Returns the target of a link in a document, as the page of the document needs it. */
function rewriteTarget(document: string, page: string, target: string): string {
	if (/^[a-z]+:/.test(target)) return target;
	const [file = '', anchor] = target.split('#');
	if (file === '' && page === pageOf(document)) return target;
	const path = (file === '' ? document : normalize(join(dirname(document), file))).replace(
		/\/$/,
		'',
	);
	if (!existsSync(join(repository, path))) throw new Error(`${document}: ${target} does not exist`);
	const hash = anchor === undefined ? '' : `#${anchor}`;
	const isStart = startSections.some(
		(heading) => heading.toLowerCase().replaceAll(' ', '-') === anchor,
	);
	const found = path === 'README.md' && isStart ? 'start.md' : pageOf(path);
	if (found === undefined) return githubUrl(path) + hash;
	const link = relative(dirname(page), found) || found;
	// Without a folder, the path of an image would be the name of a module.
	return (found.endsWith('.svg') ? `./${link}` : link) + hash;
}

/** Calls `rewrite` with the parts of a Markdown text outside of fenced code. */
export function outsideCode(markdown: string, rewrite: (prose: string) => string): string {
	return markdown
		.split(/(^ *```[^]*?^ *```$)/m)
		.map((part, index) => (index % 2 === 0 ? rewrite(part) : part))
		.join('');
}

/** Makes the links of a document those of its page: to other pages, or to GitHub for what is not a page. */
export function rewriteLinks(document: string, page: string, markdown: string): string {
	return outsideCode(markdown, (prose) =>
		prose.replaceAll(
			/\]\(([^)\s]+)\)/g,
			(_, target: string) => `](${rewriteTarget(document, page, target)})`,
		),
	);
}
