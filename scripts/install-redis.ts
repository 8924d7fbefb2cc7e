import { spawn } from 'node:child_process';

/** Runs a command and returns `false` if it fails or does not exist. */
function succeeds(command: string, args: string[], output: 'ignore' | 'show'): Promise<boolean> {
	const stream = output === 'show' ? process.stderr : 'ignore';
	const child = spawn(command, args, {
		stdio: ['ignore', stream, stream],
		// RUNLEVEL=1 keeps Debian from starting the service: the tests start their own server.
		env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
	});
	return new Promise((resolve) => {
		child.on('error', () => resolve(false));
		child.on('close', (status) => resolve(status === 0));
	});
}

/**
 * Installs `redis-server` if it is missing: no npm package ships it. Uses apt as root, or sudo without
 * a password. On other machines it prints how to get it, and the tests that need it fail.
 */
export async function installRedis(): Promise<void> {
	if (await succeeds('redis-server', ['--version'], 'ignore')) return;
	const hasApt = await succeeds('apt-get', ['--version'], 'ignore');
	const isRoot = process.getuid?.() === 0;
	if (hasApt && (isRoot || (await succeeds('sudo', ['-n', 'true'], 'ignore')))) {
		console.error('redis-server is not installed: installing it with apt-get …');
		const apt = (...args: string[]): Promise<boolean> =>
			isRoot ? succeeds('apt-get', args, 'show') : succeeds('sudo', ['apt-get', ...args], 'show');
		await apt('update');
		if (await apt('install', '--yes', '--no-install-recommends', 'redis-server')) return;
	}
	console.error(
		'redis-server is not installed, and some tests need it. Install it with ' +
			'`apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS).',
	);
}

if (import.meta.main) await installRedis();
