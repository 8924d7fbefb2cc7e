import { readFileSync } from 'node:fs';

/**
 * Returns the range of a dependency for a new project: the version that this package is tested with.
 * Its published manifest has them; in a checkout of the repository they are catalog entries.
 */
export function versionOf(packageName: string): string {
	// Safe because the manifest of this package has both fields.
	const { dependencies, devDependencies, version } = JSON.parse(
		readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
	) as Record<'dependencies' | 'devDependencies', Record<string, string>> & { version: string };
	const found = dependencies[packageName] ?? devDependencies[packageName];
	if (found === undefined || version === '0.0.0') return 'latest';
	return /^\d/.test(found) ? `^${found}` : found;
}
