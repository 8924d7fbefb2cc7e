import { spawn } from 'node:child_process';

/** A program that tests need and no npm package ships. */
export interface DebianPackage {
	/** Name of the package, for apt. */
	name: string;
	/** Command that succeeds if the program is installed. */
	test: readonly [command: string, ...args: string[]];
	/** How to get it if apt cannot install it. */
	otherwise: string;
}

/** Runs a command and returns `false` if it fails or does not exist. */
function succeeds(command: string, args: string[], output: 'ignore' | 'show'): Promise<boolean> {
	const stream = output === 'show' ? process.stderr : 'ignore';
	const child = spawn(command, args, {
		stdio: ['ignore', stream, stream],
		// RUNLEVEL=1 keeps Debian from starting services: the tests start their own servers.
		env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
	});
	return new Promise((resolve) => {
		child.on('error', () => resolve(false));
		child.on('close', (status) => resolve(status === 0));
	});
}

/**
 * Installs a program if it is missing. Uses apt as root, or sudo without a password. On other machines
 * it prints how to get it, and the tests that need it fail.
 */
export async function installDebianPackage({
	name,
	test: [command, ...args],
	otherwise,
}: DebianPackage): Promise<void> {
	if (await succeeds(command, args, 'ignore')) return;
	const hasApt = await succeeds('apt-get', ['--version'], 'ignore');
	const isRoot = process.getuid?.() === 0;
	if (hasApt && (isRoot || (await succeeds('sudo', ['-n', 'true'], 'ignore')))) {
		console.error(`${name} is not installed: installing it with apt-get …`);
		const apt = (...args: string[]): Promise<boolean> =>
			isRoot ? succeeds('apt-get', args, 'show') : succeeds('sudo', ['apt-get', ...args], 'show');
		await apt('update');
		// Waits if another apt is at work, such as a daily upgrade.
		const options = ['-o', 'DPkg::Lock::Timeout=120', '--yes', '--no-install-recommends'];
		if (await apt('install', ...options, name)) return;
	}
	console.error(`${name} is not installed, and some tests need it. ${otherwise}`);
}
