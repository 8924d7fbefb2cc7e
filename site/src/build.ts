import { rmSync } from 'node:fs';
import { build } from 'vitepress';
import { writeApi } from './api.ts';
import { deadLinks } from './dead-links.ts';
import { writePages } from './pages.ts';
import { writeMessages } from './messages-page.ts';
import { dist, pages, site } from './paths.ts';

/**
 * Builds the site from the documents and the declarations of the packages.
 *
 * @throws if a page is not in the sidebar, or a link has no target.
 */
export async function buildSite(): Promise<void> {
	rmSync(pages, { recursive: true, force: true });
	writePages();
	writeMessages();
	await writeApi();
	await build(site);
	const problems = deadLinks(dist, process.env['SITE_BASE'] ?? '/');
	if (problems.length > 0) throw new Error(`dead links:\n${problems.join('\n')}`);
}

if (import.meta.main) await buildSite();
