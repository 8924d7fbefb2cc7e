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

/** A client that has registered itself and has sent its user to the page. */
async function consent(name = 'Visitor'): Promise<{ url: URL; browser: Browser; page: string }> {
	const visitor = new Visitor(deployment.door);
	visitor.credentials.clientMetadata.client_name = name;
	const url = await visitor.startAuthorization();
	const browser = new Browser();
	return { url, browser, page: await (await browser.open(url)).text() };
}

const alice = { decision: 'allow', name: 'alice', password: passwords.alice };

describe('the consent page', () => {
	it('shows which client asks and where access goes, and shows it in no frame', async () => {
		const { url, browser } = await consent('Notebook');
		const response = await browser.open(url);
		const page = await response.text();
		expect(page).toContain('Let Notebook in?');
		expect(page).toContain('<strong>localhost</strong>');
		expect(page).toContain('nobody has checked its name');
		expect(response.headers.get('x-frame-options')).toBe('DENY');
	});

	it('takes nothing of what a client says of itself for markup', async () => {
		const { page } = await consent('<img src=x onerror="alert(1)">');
		expect(page).not.toContain('<img');
		expect(page).toContain('&#60;img src=x onerror=&#34;alert(1)&#34;&#62;');
	});

	it.each([
		{ what: 'a wrong password', fields: { ...alice, password: 'guess' } },
		{ what: 'the password of somebody else', fields: { ...alice, password: passwords.bob } },
		{ what: 'an unknown name', fields: { ...alice, name: 'carol' } },
		{ what: 'no name and password', fields: { decision: 'allow' } },
		{ what: 'a name in two parts', fields: { ...alice, name: 'alice:wonder', password: 'land' } },
	])('lets nobody in with $what, and asks again', async ({ fields }) => {
		const { url, browser, page } = await consent();
		const again = await browser.submit(url, page, fields);
		expect(again.status).toBe(403);
		expect(again.headers.get('location')).toBeNull();
		const back = await browser.submit(url, await again.text(), alice);
		expect(back.headers.get('location')).toContain('code=');
	});

	it('sends a client away whose user denies', async () => {
		const { url, browser, page } = await consent();
		const back = await browser.submit(url, page, { ...alice, decision: 'deny' });
		expect(back.headers.get('location')).toMatch(/^http:\/\/localhost:3000\/callback\?/);
		expect(back.headers.get('location')).toContain('error=access_denied');
	});

	it('takes a decision once, and from the browser alone that it was shown in', async () => {
		const { url, browser, page } = await consent();
		expect((await new Browser().submit(url, page, alice)).status).toBe(400);
		expect((await browser.submit(url, page, alice)).status).toBe(302);
		expect((await browser.submit(url, page, alice)).status).toBe(400);
	});

	it.each([
		{ what: 'an unknown client', parameter: 'client_id', value: 'somebody' },
		{ what: 'another address', parameter: 'redirect_uri', value: 'https://evil.example/callback' },
	])('sends nobody back for $what', async ({ parameter, value }) => {
		const { url, browser } = await consent();
		url.searchParams.set(parameter, value);
		const response = await browser.open(url);
		expect(response.status).toBe(400);
		expect(response.headers.get('location')).toBeNull();
	});

	it('sends a client back with an error that asks without PKCE', async () => {
		const { url, browser } = await consent();
		url.searchParams.delete('code_challenge');
		url.searchParams.delete('code_challenge_method');
		const response = await browser.open(url);
		expect(response.headers.get('location')).toContain('error=invalid_request');
	});
});
