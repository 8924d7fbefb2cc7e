import { spawn } from 'node:child_process';

/** Runs a command, what it prints going to standard error; false where it fails or does not exist. */
function succeeds(command: string, args: string[], output: 'ignore' | 'show'): Promise<boolean> {
	const stream = output === 'show' ? process.stderr : 'ignore';
	const child = spawn(command, args, {
		stdio: ['ignore', stream, stream],
		// The package's own service is not started: the tests start a server for themselves.
		env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
	});
	return new Promise((resolve) => {
		child.on('error', () => resolve(false));
		child.on('close', (status) => resolve(status === 0));
	});
}

/**
 * Sees to it that there is a `redis-server`, which no npm package ships. Installs it where that is
 * possible without asking: with apt, as root or with a sudo that asks nothing. Elsewhere the tests that need it fail and say so.
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
		'redis-server is not installed, and tests need it. Get it with ' +
			'`apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS).',
	);
}

if (import.meta.main) await installRedis();
