import { openChromium } from '@tmcp-sessions/testkit/browser';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { site } from '../src/paths.ts';
import { serveSite } from '../src/serve.ts';

const screenshots = join(site, 'node_modules/.cache/screenshots');
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };

let browser: Browser;
let server: Awaited<ReturnType<typeof serveSite>>;
/** What the pages reported to their console, and requests to other hosts. */
let problems: string[] = [];

beforeAll(async () => {
	mkdirSync(screenshots, { recursive: true });
	if (process.env['SITE_IS_BUILT'] === undefined) await buildSite();
	server = await serveSite();
	browser = await openChromium();
});

async function buildSite(): Promise<void> {
	// In its own process: VitePress does not build with Vitest's environment and loader.
	const env = { ...process.env, NODE_ENV: 'production' };
	await promisify(execFile)(process.execPath, [join(site, 'src/build.ts')], { env });
}

afterAll(async () => {
	await browser?.close();
	await server?.stop();
});

afterEach(() => {
	const found = problems;
	problems = [];
	expect(found).toEqual([]);
});

async function openPage(path: string, options: BrowserContextOptions = {}): Promise<Page> {
	const context = await browser.newContext({ viewport: desktop, ...options });
	const page = await context.newPage();
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type())) problems.push(message.text());
	});
	page.on('pageerror', (error) => problems.push(String(error)));
	page.on('request', (request) => {
		const url = request.url();
		if (!url.startsWith(server.url) && !url.startsWith('data:')) problems.push(`requested ${url}`);
	});
	await page.goto(new URL(path, server.url).href, { waitUntil: 'networkidle' });
	return page;
}

async function search(page: Page, text: string): Promise<void> {
	await page.getByRole('button', { name: 'Search' }).click();
	await page.getByRole('searchbox').fill(text);
}

/** Returns how many pixels of the page a reader has to scroll sideways for. */
function overflowOf(page: Page): Promise<number> {
	return page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
}

test('shows the points of README.md on the home page, and leads to the first server', async () => {
	const page = await openPage('/');
	await page.screenshot({ path: join(screenshots, 'home.png'), fullPage: true });
	expect(await page.locator('.VPFeature').count()).toBeGreaterThan(3);
	expect(await page.locator('.diagram svg').count()).toBe(1);
	await page.getByRole('link', { name: 'Your first server' }).first().click();
	await page.getByRole('heading', { level: 1, name: 'Your first server' }).waitFor();
});

test.each([
	[
		'[tmcp-sessions/http] session ids need a key that all isolates share; got none',
		'troubleshooting',
	],
	['Wrangler requires at least Node.js v22.0.0. You are using v20.20.2.', 'troubleshooting'],
	[
		'Error: The Mcp-Session-Id header is missing; open a session with initialize',
		'troubleshooting',
	],
	["the handle is not one of this server's for this caller, was used, or has expired", 'messages'],
])('finds the message %s', async (message, expected) => {
	const page = await openPage('/');
	await search(page, message);
	const first = page.locator('.VPLocalSearchBox .result').first();
	await first.waitFor();
	await page.screenshot({ path: join(screenshots, 'search.png') });
	await first.click();
	await page.waitForURL(new RegExp(`/${expected}\\.html#`));
	expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
});

test('follows the link of a page into the API reference', async () => {
	const page = await openPage('/start.html');
	await page.getByRole('navigation').getByRole('link', { name: 'API', exact: true }).click();
	await page.getByRole('heading', { level: 1, name: 'API reference' }).waitFor();
	await page
		.getByRole('main')
		.getByRole('link', { name: '@tmcp-sessions/http', exact: true })
		.click();
	await page.getByRole('heading', { level: 3, name: 'createMcpHandler()' }).waitFor();
	await page.screenshot({ path: join(screenshots, 'api.png') });
	expect(await page.getByText('McpHandlerOptions').count()).toBeGreaterThan(1);
	expect(await overflowOf(page)).toBe(0);
});

test('follows the system to dark colours', async () => {
	const page = await openPage('/architecture.html', { colorScheme: 'dark' });
	await page.locator('.diagram svg').first().scrollIntoViewIfNeeded();
	await page.screenshot({ path: join(screenshots, 'dark.png') });
	expect(await page.locator('html.dark').count()).toBe(1);
});

test.each(['/', '/start.html', '/choosing.html', '/api/@tmcp-sessions/http.html'])(
	'fits on a phone: %s',
	async (path) => {
		const page = await openPage(path, { viewport: phone, isMobile: true });
		const name = path.replaceAll(/\W+/g, '-');
		await page.screenshot({ path: join(screenshots, `phone${name}.png`) });
		expect(await overflowOf(page)).toBe(0);
	},
);

test('opens the menu of a phone', async () => {
	const page = await openPage('/start.html', { viewport: phone, isMobile: true });
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('link', { name: 'Operations', exact: true }).click();
	await page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor();
	expect(page.url()).toContain('operations');
});
