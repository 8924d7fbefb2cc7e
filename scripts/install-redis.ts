import { installDebianPackage } from './debian-package.ts';

/** Installs `redis-server` if it is missing. */
export function installRedis(): Promise<void> {
	return installDebianPackage({
		name: 'redis-server',
		test: ['redis-server', '--version'],
		otherwise:
			'Install it with `apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS).',
	});
}

if (import.meta.main) await installRedis();
