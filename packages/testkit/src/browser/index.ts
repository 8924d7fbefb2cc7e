import { existsSync } from 'node:fs';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

/**
 * Opens the installed Chromium without a window: that of `CHROMIUM_PATH`, or else Debian's. The caller
 * closes it.
 *
 * @throws {TmcpSessionsError} if it is not installed.
 */
export async function openChromium(): Promise<Browser> {
	const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
	if (!existsSync(executablePath))
		throw new TmcpSessionsError(
			'configuration',
			'testkit',
			`openChromium: no Chromium at ${executablePath}; install it with \`apt-get install chromium\` (Debian), ` +
				'or set CHROMIUM_PATH to the path of a Chromium or Chrome',
		);
	return chromium.launch({
		executablePath,
		// Containers run tests as root, for whom the sandbox does not start, and have a small /dev/shm.
		args: ['--no-sandbox', '--disable-dev-shm-usage'],
	});
}
