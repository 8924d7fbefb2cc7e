import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm } from '../checkout.ts';
import { runCommand } from '../process.ts';
import type { LocalRegistry } from './local-registry.ts';

/** A package as it was published. */
export interface PublishedPackage {
	readonly name: string;
	readonly version: string;
	/** Absolute path of its tarball. */
	readonly tarball: string;
}

interface Release {
	readonly kind: string;
	readonly name: string;
	readonly version: string;
	readonly tarball: { readonly path: string };
}

/**
 * Releases a checkout to a local registry: versions by the changesets, packs and publishes the tarballs.
 *
 * @param packed a new folder for the tarballs.
 * @param home an empty folder that replaces the user's configuration: no token can reach another registry.
 */
export async function releaseTo(
	registry: LocalRegistry,
	checkout: string,
	packed: string,
	home: string,
): Promise<PublishedPackage[]> {
	const options = {
		cwd: checkout,
		env: {
			...process.env,
			XDG_CONFIG_HOME: home,
			npm_config_registry: registry.url,
			pnpm_config_registry: registry.url,
			NPM_CONFIG_USERCONFIG: registry.userConfig,
		},
	};
	const changeset = (...args: string[]) =>
		runCommand('npx', [...pnpm, 'exec', 'changeset', ...args], options);
	await changeset('version');
	await changeset('pack', '--out-dir', packed);
	await changeset('publish', '--from-pack-dir', packed);
	// Safe because changesets has just written the file.
	const { plan } = JSON.parse(readFileSync(join(packed, 'publish-plan.json'), 'utf8')) as {
		plan: Release[][];
	};
	return plan
		.flat()
		.filter(({ kind }) => kind === 'publish')
		.map(({ name, version, tarball }) => ({ name, version, tarball: join(packed, tarball.path) }));
}
