import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const installed = join(import.meta.dirname, '../../node_modules');

/** Returns the installed version of a measured package; for workerd the one that miniflare runs. */
export function versionOf(packageName: string): string {
	const manifest =
		packageName === 'workerd'
			? createRequire(realpathSync(join(installed, 'miniflare/package.json'))).resolve(
					'workerd/package.json',
				)
			: join(installed, packageName, 'package.json');
	// Safe because every installed package has a version.
	return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
