import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs wrangler with these arguments. Resolves with its standard output, rejects with all of its output. */
export type Wrangler = (...args: string[]) => Promise<string>;

const program = fileURLToPath(
	new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url),
);
const TIMEOUT_MS = 180_000;

/** Returns the installed wrangler for this account. */
export function createWrangler(account: {
	readonly apiToken: string | undefined;
	readonly accountId: string | undefined;
}): Wrangler {
	const env = {
		...process.env,
		CLOUDFLARE_API_TOKEN: account.apiToken,
		CLOUDFLARE_ACCOUNT_ID: account.accountId,
		WRANGLER_SEND_METRICS: 'false',
		// Never prompts.
		CI: 'true',
	};
	return (...args) =>
		new Promise((resolve, reject) => {
			const child = spawn(process.execPath, [program, ...args], {
				env,
				stdio: ['ignore', 'pipe', 'pipe'],
				// In another process group: Ctrl-C must not interrupt the removal of the deployment.
				detached: true,
				timeout: TIMEOUT_MS,
			});
			let stdout = '';
			let output = '';
			child.stdout.on('data', (chunk: Buffer) => {
				stdout += chunk.toString();
				output += chunk.toString();
			});
			child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
			child.on('error', reject);
			child.on('close', (status) => {
				if (status === 0) resolve(stdout);
				else reject(new Error(`wrangler ${args.join(' ')} failed:\n${output.trim()}`));
			});
		});
}
