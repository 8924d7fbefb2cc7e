import { mkdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Absolute path of the repository. */
export const repository: string = resolve(import.meta.dirname, '../..');

/** Variables that a reader's shell has too: certificates and proxies of the machine. */
const inherited =
	/^(?:LANG|LC_\w+|TERM|TZ|USER|NODE_EXTRA_CA_CERTS|SSL_\w+|CURL_CA_BUNDLE|\w+_proxy|\w+_PROXY)$/;

/**
 * Returns the environment of a reader's shell: the runtimes of `shared` and the machine's npm, an
 * empty home, and the local registry. The repository's tools are not on the path.
 *
 * @param shared a folder for the caches that all readers share, and in `bin` for Node.js and other runtimes.
 */
export function readerEnvironment(
	home: string,
	shared: string,
	registry: string,
): NodeJS.ProcessEnv {
	mkdirSync(home, { recursive: true });
	const own = Object.entries(process.env).filter(([name]) => inherited.test(name));
	const machine = (process.env['PATH'] ?? '')
		.split(delimiter)
		.filter((folder) => !folder.startsWith(repository) && !folder.includes('node_modules'));
	return {
		...Object.fromEntries(own),
		HOME: home,
		PATH: [join(shared, 'bin'), ...machine].join(delimiter),
		npm_config_registry: registry,
		pnpm_config_registry: registry,
		npm_config_cache: join(shared, 'npm'),
		pnpm_config_store_dir: join(shared, 'pnpm'),
		npm_config_audit: 'false',
		npm_config_fund: 'false',
		npm_config_update_notifier: 'false',
		BUN_INSTALL_CACHE_DIR: join(shared, 'bun'),
		DENO_DIR: join(shared, 'deno'),
		WRANGLER_SEND_METRICS: 'false',
		NEXT_TELEMETRY_DISABLED: '1',
	};
}
