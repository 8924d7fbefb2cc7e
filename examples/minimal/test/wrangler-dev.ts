import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const wrangler = join(
	dirname(createRequire(import.meta.url).resolve('wrangler')),
	'../bin/wrangler.js',
);

/** A running `wrangler dev`. */
export interface WranglerDev {
	readonly url: URL;
	/** What it has printed so far. */
	output(): string;
	stop(): Promise<void>;
}

/**
 * Starts `wrangler dev` for this example on a free port, with new storage.
 *
 * @param args further arguments, such as another configuration.
 * @param secrets the values of `.dev.vars`.
 */
export async function startWranglerDev(
	args: readonly string[],
	secrets: Readonly<Record<string, string>>,
): Promise<WranglerDev> {
	const storage = await mkdtemp(join(tmpdir(), 'tmcp-sessions-minimal-'));
	const child = execFile(
		process.execPath,
		[wrangler, 'dev', ...args, '--ip=127.0.0.1', '--port=0', `--persist-to=${storage}`],
		{
			cwd: fileURLToPath(new URL('..', import.meta.url)),
			env: { ...process.env, ...secrets, WRANGLER_SEND_METRICS: 'false', FORCE_COLOR: '0' },
		},
	);
	let output = '';
	const ended = once(child, 'close');
	const ready = new Promise<URL>((resolve, reject) => {
		const read = (chunk: string): void => {
			output += chunk;
			const [, address] = /Ready on (http:\S+)/.exec(output) ?? [];
			if (address !== undefined) resolve(new URL('/mcp', address));
		};
		child.stdout?.on('data', read);
		child.stderr?.on('data', read);
		child.once('close', () => reject(new Error(`wrangler dev ended:\n${output}`)));
	});
	const stop = async (): Promise<void> => {
		child.kill('SIGTERM');
		await ended;
		await rm(storage, { recursive: true });
	};
	try {
		return { url: await ready, output: () => output, stop };
	} catch (failure) {
		await stop();
		throw failure;
	}
}
