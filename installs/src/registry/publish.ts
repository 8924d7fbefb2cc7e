import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm } from '../checkout.ts';
import { CommandFailedError, runCommand } from '../process.ts';
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

/** Releases the packages of a checkout to a local registry. */
export class Publisher {
	readonly #checkout: string;
	readonly #env: NodeJS.ProcessEnv;
	readonly #registry: LocalRegistry;

	/**
	 * @param home an empty folder that replaces the user's configuration: no token can reach another
	 * registry.
	 */
	constructor(registry: LocalRegistry, checkout: string, home: string) {
		mkdirSync(home, { recursive: true });
		this.#checkout = checkout;
		this.#registry = registry;
		this.#env = {
			...process.env,
			XDG_CONFIG_HOME: home,
			npm_config_registry: registry.url,
			pnpm_config_registry: registry.url,
			NPM_CONFIG_USERCONFIG: registry.userConfig,
			GIT_AUTHOR_NAME: 'installs',
			GIT_AUTHOR_EMAIL: 'installs@localhost',
			GIT_COMMITTER_NAME: 'installs',
			GIT_COMMITTER_EMAIL: 'installs@localhost',
		};
	}

	/** Runs the release script of the repository and returns what it published. */
	async release(): Promise<PublishedPackage[]> {
		const configured = await this.#run('npx', ...pnpm, 'config', 'get', 'registry');
		if (configured !== this.#registry.url)
			throw new CommandFailedError(`pnpm would publish to ${configured}`);
		await this.#run('npx', ...pnpm, 'exec', 'node', 'scripts/release.ts', '--built');
		const packed = join(this.#checkout, 'node_modules/.cache/release');
		// Safe because changesets has just written the file.
		const { plan } = JSON.parse(readFileSync(join(packed, 'publish-plan.json'), 'utf8')) as {
			plan: Release[][];
		};
		return plan
			.flat()
			.filter(({ kind }) => kind === 'publish')
			.map(({ name, version, tarball }) => ({
				name,
				version,
				// The next release removes the tarballs of this one.
				tarball: join(packed, tarball.path),
			}));
	}

	/** Releases a patch of one package and returns what was published. */
	async releasePatch(name: string): Promise<PublishedPackage[]> {
		const changeset = `---\n'${name}': patch\n---\n\nA patch.\n`;
		writeFileSync(join(this.#checkout, '.changeset/a-patch.md'), changeset);
		await this.#run('git', 'add', '--all');
		await this.#run('git', 'commit', '--quiet', '--message', 'patch');
		return this.release();
	}

	/** Returns the packages of the checkout that are published. */
	get packageCount(): number {
		return globSync('packages/*/package.json', { cwd: this.#checkout }).length;
	}

	#run(command: string, ...args: string[]): Promise<string> {
		return runCommand(command, args, { cwd: this.#checkout, env: this.#env });
	}
}
