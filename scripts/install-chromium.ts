import { installDebianPackage } from './debian-package.ts';

/** Installs Chromium, which `openChromium` of testkit opens, if it is missing. */
export function installChromium(): Promise<void> {
	return installDebianPackage({
		name: 'chromium',
		test: [process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium', '--version'],
		otherwise:
			'Install it with `apt-get install chromium` (Debian), or set CHROMIUM_PATH to the path of a Chromium or Chrome.',
	});
}

if (import.meta.main) await installChromium();
