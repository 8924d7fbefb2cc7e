import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Absolute path of the repository. */
export const repository: string = resolve(import.meta.dirname, '../..');

/** Absolute path of this package, where VitePress finds its configuration. */
export const site: string = join(repository, 'site');

/** Absolute path of the Markdown pages, which `writePages` and `writeApi` create. */
export const pages: string = join(site, 'pages');

/** Absolute path of the built site. */
export const dist: string = join(site, 'dist');

/** Reads a file of the repository. */
export const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Returns the address of a path of the repository on GitHub. */
export function githubUrl(path: string): string {
	const { homepage } = JSON.parse(read('package.json')) as { homepage: string };
	const absolute = join(repository, path);
	const kind = existsSync(absolute) && statSync(absolute).isDirectory() ? 'tree' : 'blob';
	return `${homepage.replace('#readme', '')}/${kind}/main/${path}`;
}
