import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createSessionsPage, requirePassword } from '@tmcp-sessions/http/sessions-page';
import type { Authorization } from '@tmcp-sessions/http/sessions-page';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { openChromium } from '@tmcp-sessions/testkit/browser';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { internalIdOf, KEY, open, setUp } from './local-handler.ts';

const PASSWORD = 'vT4mQ8zL1xR7nB3kW6pY9sD2fG5hJ0cA';
const BASIC = `Basic ${btoa(`operator:${PASSWORD}`)}`;
const ENTRY = fileURLToPath(new URL('fixture/sessions-page-worker.ts', import.meta.url));
const HOSTILE = `<img src=x onerror="document.title='owned'">"'><script>document.title='owned'</script>`;

const get = (url = 'https://example.com/sessions', authorization: string | undefined = BASIC) =>
	new Request(url, authorization === undefined ? {} : { headers: { authorization } });

/** Creates a page over memory. */
function createPage(
	authorize: () => unknown = () => true,
	info: object = createInfo(),
	streams: object = new InMemoryStreamSessionManager(),
) {
	const errors: unknown[] = [];
	// Safe because the tests pass wrong values on purpose.
	const options = { authorize: authorize as () => Authorization, keys: [KEY], pageSize: 2 };
	const managers = { info, streams };
	return {
		errors,
		page: createSessionsPage(managers, { ...options, onError: (error) => errors.push(error) }),
	};
}

const createInfo = () => new StoredInfoSessionManager(new InMemorySessionStore());

/** Opens a session of a client of this name. */
async function openAs(name: string, url: URL): Promise<string> {
	const response = await fetch(url, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
		},
		body: JSON.stringify({
			jsonrpc: '2.0',
			id: 1,
			method: 'initialize',
			params: {
				protocolVersion: '2025-11-25',
				capabilities: {},
				clientInfo: { name, version: '1.0.0' },
			},
		}),
	});
	await response.text();
	return response.headers.get('mcp-session-id') ?? '';
}

describe('the page of live sessions', () => {
	it('needs authorize and keys', () => {
		const info = createInfo();
		// Safe because a program in JavaScript can leave the option out.
		const without = { keys: [KEY] } as unknown as Parameters<typeof createSessionsPage>[1];
		expect(() => createSessionsPage({ info }, without)).toThrow('authorize must be a function');
		const authorize = () => true;
		expect(() => createSessionsPage({ info }, { authorize, keys: [] })).toThrow('needs keys');
		expect(() => createSessionsPage({ info }, { authorize, keys: [KEY], pageSize: 101 })).toThrow(
			'pageSize must be an integer from 1 to 100; got 101',
		);
	});

	it.each([
		[false, 401],
		[undefined, 401],
		['yes', 401],
		['forbidden', 403],
		[true, 200],
	])('answers %j of authorize with %i', async (decision, status) => {
		const { page } = createPage(() => decision);
		const response = await page.fetch(get());
		expect(response.status).toBe(status);
		expect(response.headers.get('cache-control')).toBe('no-store');
		expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /);
		expect(response.headers.has('www-authenticate')).toBe(status === 401);
		expect((await response.text()).includes('<table>')).toBe(status === 200);
	});

	it('shows nothing if authorize fails', async () => {
		const { errors, page } = createPage(() => {
			throw new Error('the directory is down');
		});
		const response = await page.fetch(get());
		expect(response.status).toBe(500);
		expect(await response.text()).not.toContain('directory');
		expect(errors).toHaveLength(1);
	});

	it('answers other methods with 405, and HEAD without a body', async () => {
		const { page } = createPage();
		const response = await page.fetch(new Request('https://example.com/', { method: 'POST' }));
		expect(response.status).toBe(405);
		const head = await page.fetch(new Request('https://example.com/', { method: 'HEAD' }));
		expect(await head.text()).toBe('');
	});

	it('leads through all sessions, and shows no id', async () => {
		const info = createInfo();
		const { mcp } = setUp({ info });
		const ids = await Promise.all([1, 2, 3, 4, 5].map(() => open(mcp)));
		const { page } = createPage(() => true, info);
		const digests = new Set<string>();
		let next: string | undefined = '';
		for (let count = 0; next !== undefined && count < 9; count++) {
			const response: Response = await page.fetch(get(`https://example.com/sessions${next}`));
			const html: string = await response.text();
			for (const [, digest = ''] of html.matchAll(/<code>([\da-f]{8})<\/code>/g))
				digests.add(digest);
			for (const id of ids) expect(html).not.toContain(internalIdOf(id));
			next = /href="(\?[^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
			// The cursor of memory is an id: it is sealed.
			for (const id of ids) expect(decodeURIComponent(next ?? '')).not.toContain(internalIdOf(id));
		}
		expect(digests.size).toBe(5);
	});

	it('rejects a link that it has not written', async () => {
		const { page } = createPage();
		const response = await page.fetch(get('https://example.com/sessions?cursor=abc'));
		expect(response.status).toBe(400);
	});

	it('says what the managers cannot list', async () => {
		const { page } = createPage(() => true, {}, {});
		const html = await (await page.fetch(get())).text();
		expect(html).toContain('this info manager cannot list them');
		expect(html).toContain('the stream manager cannot tell which sessions have one');
		expect(html).toContain('the page has no task store');
	});

	it('shows who is subscribed to a resource', async () => {
		const info = createInfo();
		const { mcp } = setUp({ info });
		const [subscribed] = [await open(mcp), await open(mcp)];
		info.addSubscription(internalIdOf(subscribed), 'notes://a?b=1&c=<i>');
		const { page } = createPage(() => true, info);
		const url = new URL('https://example.com/sessions');
		url.searchParams.set('resource', 'notes://a?b=1&c=<i>');
		const html = await (await page.fetch(get(url.href))).text();
		expect(html.match(/<td>yes<\/td><\/tr>/g)).toHaveLength(1);
		expect(html.match(/<td>no<\/td><\/tr>/g)).toHaveLength(1);
		expect(html).toContain('value="notes://a?b=1&amp;c=&lt;i&gt;"');
	});

	it('lists the sessions of Redis', async () => {
		const server = await startRedis();
		const redis = connectRedis(`redis://127.0.0.1:${server.port}`);
		try {
			const info = new RedisInfoSessionManager(redis);
			const { mcp } = setUp({ info });
			await open(mcp);
			const { page } = createPage(() => true, info);
			expect(await (await page.fetch(get())).text()).toContain('<bdi>client 1.0.0</bdi>');
			await server.stop();
			expect((await page.fetch(get())).status).toBe(503);
		} finally {
			redis.close();
			await server.stop();
		}
	});
});

describe('requirePassword', () => {
	it.each([
		['Basic', BASIC, true],
		['Basic with another user', `Basic ${btoa(`:${PASSWORD}`)}`, true],
		['Bearer', `Bearer ${PASSWORD}`, true],
		['another password', `Basic ${btoa('operator:nVq4x8Lr1mT7zB3kW6pY9sD2fG5hJ0cA')}`, false],
		['the beginning of the password', `Bearer ${PASSWORD.slice(0, -1)}`, false],
		['no base64', 'Basic %%%', false],
		['another scheme', `Digest ${PASSWORD}`, false],
		['nothing', '', false],
	])('answers %s', async (_, authorization, isAllowed) => {
		expect(await requirePassword(PASSWORD)(get(undefined, authorization))).toBe(isAllowed);
	});

	it('accepts both passwords of a rotation', async () => {
		const authorize = requirePassword(`${KEY} ${PASSWORD}`);
		expect(await authorize(get())).toBe(true);
		expect(await authorize(get(undefined, `Bearer ${KEY}`))).toBe(true);
	});

	it.each([undefined, '', 'hunter2', 'a'.repeat(40)])('rejects the password %j', (password) => {
		expect(() => requirePassword(password)).toThrow('requirePassword needs passwords of');
	});
});

describe('the page in a Worker', () => {
	let workers: Workers;
	beforeAll(async () => {
		workers = await startWorkers({
			workers: ['main', 'other'],
			entry: ENTRY,
			durableObjects: {
				TMCP_DURABLE_OBJECT: 'SyncLayer',
				TMCP_SESSION_SHARD: 'SessionShard',
				TMCP_TASK_OBJECT: 'TaskObject',
			},
			vars: { OPERATOR_PASSWORD: PASSWORD, TMCP_SESSION_KEYS: KEY },
		});
	});
	afterAll(() => workers.stop());

	it.each(['kv', 'object'])(
		'lists sessions, streams and tasks of %s from another isolate',
		async (name) => {
			const mcp = new URL(`/${name}/mcp`, workers.url('main'));
			const session = await openAs('watcher', mcp);
			await openAs('idle', mcp);
			const stream = await fetch(mcp, {
				headers: {
					accept: 'text/event-stream',
					'mcp-session-id': session,
					'mcp-protocol-version': '2025-11-25',
				},
			});
			expect(stream.status).toBe(200);
			await fetch(new URL(`/task?session=${internalIdOf(session)}`, workers.url('main')));
			const page = new URL(`/${name}/sessions`, workers.url('other'));
			expect((await fetch(page)).status).toBe(401);
			await expect
				.poll(async () => {
					const response = await fetch(page, { headers: { authorization: BASIC } });
					const rows = (await response.text())
						.split('\n')
						.filter((line) => line.startsWith('<tr>'));
					return rows
						.map((row) => row.replaceAll(/<[^>]*>/g, ' ').replaceAll(/ +/g, ' '))
						.toSorted();
				})
				.toEqual([
					expect.stringMatching(/^ [\da-f]{8} \S+ 1\.0\.0 \d+ s \d+ [hd] .*$/),
					expect.stringMatching(/^ [\da-f]{8} \S+ 1\.0\.0 \d+ s \d+ [hd] .*$/),
				]);
			const html = await (await fetch(page, { headers: { authorization: BASIC } })).text();
			expect(html).toMatch(
				/watcher 1\.0\.0.*<td>yes<\/td><td>1 running, the oldest for 2 min; 0 ended/,
			);
			expect(html).toMatch(/idle 1\.0\.0.*<td>no<\/td><td>0 running; 0 ended/);
			await stream.body?.cancel();
		},
	);

	it('runs no script of a client, in Chromium', async () => {
		const mcp = new URL('/object/mcp', workers.url('main'));
		await openAs(HOSTILE, mcp);
		await openAs('plain', mcp);
		const browser = await openChromium();
		try {
			const context = await browser.newContext({
				httpCredentials: { username: 'operator', password: PASSWORD },
			});
			const page = await context.newPage();
			const blocked: string[] = [];
			page.on('console', (message) => blocked.push(message.text()));
			const texts: string[] = [];
			await page.goto(new URL('/object/sessions', workers.url('main')).href);
			for (let count = 0; count < 9; count++) {
				texts.push((await page.textContent('tbody')) ?? '');
				expect(await page.title()).toBe('Live sessions');
				expect(await page.locator('tbody img, tbody script').count()).toBe(0);
				const next = page.locator('a[rel=next]');
				if ((await next.count()) === 0) break;
				await next.click();
			}
			expect(texts.join('')).toContain(`<img src=x onerror="document.title='owned'">`);
			expect(texts.join('')).toContain('plain 1.0.0');
			// The style applies: the nonce of the policy is that of the page.
			expect(
				await page.locator('table').evaluate((table) => getComputedStyle(table).borderCollapse),
			).toBe('collapse');
			expect(blocked).toEqual([]);
			await page.fill('input[name=resource]', '"><script>document.title="owned"</script>');
			await page.click('button');
			expect(await page.title()).toBe('Live sessions');
			expect(await page.inputValue('input[name=resource]')).toContain('<script>');
		} finally {
			await browser.close();
		}
	});
});
