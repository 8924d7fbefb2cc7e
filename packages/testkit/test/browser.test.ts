import { afterEach, expect, test, vi } from 'vitest';
import { openChromium } from '../src/browser/index.ts';

afterEach(() => vi.unstubAllEnvs());

test('opens a browser that runs scripts of a page', async () => {
	const browser = await openChromium();
	try {
		const page = await browser.newPage();
		await page.setContent('<p></p><script>document.querySelector("p").append(6 * 7)</script>');
		expect(await page.textContent('p')).toBe('42');
	} finally {
		await browser.close();
	}
});

test('names the package to install if there is no Chromium', async () => {
	vi.stubEnv('CHROMIUM_PATH', '/nowhere/chromium');
	await expect(openChromium()).rejects.toThrow(
		/no Chromium at \/nowhere\/chromium; install it with `apt-get install chromium`/,
	);
});
