import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from './browser.ts';
import { deploy, passwords } from './deployment.ts';
import type { Deployment } from './deployment.ts';
import { Visitor } from './visitor.ts';

let deployment: Deployment;

beforeAll(async () => {
	deployment = await deploy();
});
afterAll(() => deployment.stop());

/** Registers a client and opens its consent page. */
async function openConsentPage(
	name = 'Visitor',
): Promise<{ url: URL; browser: Browser; page: string }> {
	const visitor = new Visitor(deployment.door);
	visitor.credentials.clientMetadata.client_name = name;
	const url = await visitor.startAuthorization();
	const browser = new Browser();
	return { url, browser, page: await (await browser.open(url)).text() };
}

const alice = { decision: 'allow', name: 'alice', password: passwords.alice };

describe('the consent page', () => {
	it('shows the client and its redirect host, and forbids framing', async () => {
		const { url, browser } = await openConsentPage('Notebook');
		const response = await browser.open(url);
		const page = await response.text();
		expect(page).toContain('Allow Notebook?');
		expect(page).toContain('<strong>localhost</strong>');
		expect(page).toContain('its name is not verified');
		expect(response.headers.get('x-frame-options')).toBe('DENY');
	});

	it('escapes the metadata of the client', async () => {
		const { page } = await openConsentPage('<img src=x onerror="alert(1)">');
		expect(page).not.toContain('<img');
		expect(page).toContain('&#60;img src=x onerror=&#34;alert(1)&#34;&#62;');
	});

	it.each([
		{ what: 'a wrong password', fields: { ...alice, password: 'guess' } },
		{ what: 'the password of another user', fields: { ...alice, password: passwords.bob } },
		{ what: 'an unknown name', fields: { ...alice, name: 'carol' } },
		{ what: 'no name and password', fields: { decision: 'allow' } },
		{ what: 'a name in two parts', fields: { ...alice, name: 'alice:wonder', password: 'land' } },
	])('denies access with $what, and shows the page again', async ({ fields }) => {
		const { url, browser, page } = await openConsentPage();
		const again = await browser.submit(url, page, fields);
		expect(again.status).toBe(403);
		expect(again.headers.get('location')).toBeNull();
		const back = await browser.submit(url, await again.text(), alice);
		expect(back.headers.get('location')).toContain('code=');
	});

	it('redirects with access_denied if the user denies', async () => {
		const { url, browser, page } = await openConsentPage();
		const back = await browser.submit(url, page, { ...alice, decision: 'deny' });
		expect(back.headers.get('location')).toMatch(/^http:\/\/localhost:3000\/callback\?/);
		expect(back.headers.get('location')).toContain('error=access_denied');
	});

	it('accepts a decision once, and only from the browser that it was shown in', async () => {
		const { url, browser, page } = await openConsentPage();
		expect((await new Browser().submit(url, page, alice)).status).toBe(400);
		expect((await browser.submit(url, page, alice)).status).toBe(302);
		expect((await browser.submit(url, page, alice)).status).toBe(400);
	});

	it.each([
		{ what: 'an unknown client', parameter: 'client_id', value: 'unknown-client' },
		{ what: 'another address', parameter: 'redirect_uri', value: 'https://evil.example/callback' },
	])('does not redirect for $what', async ({ parameter, value }) => {
		const { url, browser } = await openConsentPage();
		url.searchParams.set(parameter, value);
		const response = await browser.open(url);
		expect(response.status).toBe(400);
		expect(response.headers.get('location')).toBeNull();
	});

	it('redirects with an error for a request without PKCE', async () => {
		const { url, browser } = await openConsentPage();
		url.searchParams.delete('code_challenge');
		url.searchParams.delete('code_challenge_method');
		const response = await browser.open(url);
		expect(response.headers.get('location')).toContain('error=invalid_request');
	});
});
