import { cpSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { homePage, startPage } from './home.ts';
import { images, outsideCode, pageOf, rewriteLinks } from './links.ts';
import { githubUrl, pages, read, repository } from './paths.ts';

/** The documents of the repository that are pages. README.md becomes two. */
const documents = ['docs/**/*.md', 'packages/*/README.md', 'SECURITY.md', 'CONTRIBUTING.md'];

/** Makes each fenced block with a title one tab, which shows the title. */
function showTitles(markdown: string): string {
	return markdown.replaceAll(
		/^```(\w+) title="([^"]+)"\n([^]*?)^```$/gm,
		(_, language: string, title: string, code: string) =>
			`::: code-group\n\n\`\`\`${language} [${title}]\n${code}\`\`\`\n\n:::`,
	);
}

/** Returns the page of a document: its links lead to pages, its comments are gone. */
function toPage(document: string, page: string, markdown: string): string {
	const withoutComments = outsideCode(markdown, (prose) =>
		prose.replaceAll(/^<!--[^]*?-->$/gm, ''),
	);
	return showTitles(rewriteLinks(document, page, withoutComments));
}

function writePage(page: string, markdown: string, document: string): void {
	const path = join(pages, page);
	mkdirSync(dirname(path), { recursive: true });
	// VitePress shows a link to the source.
	const source = `---\nsource: ${githubUrl(document)}\n---\n\n`;
	writeFileSync(path, markdown.startsWith('---') ? markdown : source + markdown);
}

/** Writes a page for each document, and the home page and the first server from README.md. */
export function writePages(): void {
	const { description } = JSON.parse(read('package.json')) as { description: string };
	const readme = read('README.md');
	writePage(
		'index.md',
		toPage('README.md', 'index.md', homePage(readme, description)),
		'README.md',
	);
	writePage('start.md', toPage('README.md', 'start.md', startPage(readme)), 'README.md');
	for (const image of globSync(images, { cwd: repository }))
		cpSync(join(repository, image), join(pages, pageOf(image) ?? image));
	for (const document of globSync(documents, { cwd: repository })) {
		const page = pageOf(document);
		if (page !== undefined) writePage(page, toPage(document, page, read(document)), document);
	}
}
