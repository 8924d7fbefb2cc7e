import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pnpm } from '../checkout.ts';
import { CommandFailedError, runCommand, runToEnd } from '../process.ts';
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

	/**
	 * Starts a release as in a workflow of GitHub whose tokens are refused, and returns the audiences that it
	 * asked tokens for. Nothing is published.
	 */
	async releaseInWorkflow(): Promise<string[]> {
		const audiences = new Set<string>();
		const tokens = createServer((request, response) => {
			const { searchParams } = new URL(request.url ?? '', 'http://localhost');
			audiences.add(searchParams.get('audience') ?? '');
			response.writeHead(500).end();
		});
		await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
		const address = tokens.address();
		const port = typeof address === 'object' ? address?.port : undefined;
		const workflow = {
			GITHUB_ACTIONS: 'true',
			ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/?version=1`,
			ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'none',
		};
		const command = [...pnpm, 'exec', 'node', 'scripts/release.ts', '--built'];
		const env = { ...this.#env, ...workflow };
		const { status } = await runToEnd('npx', command, { cwd: this.#checkout, env });
		await new Promise((resolve) => tokens.close(resolve));
		if (status === 0) throw new CommandFailedError('published without a token');
		return [...audiences];
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
