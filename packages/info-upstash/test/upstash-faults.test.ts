import { openSession } from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { describe, expect, it } from 'vitest';
import { UpstashInfoSessionManager, UpstashSessionStore } from '../src/index.ts';
import type { UpstashRedis } from '../src/index.ts';
import { failureOf, PACKAGE, TOKEN } from './failures.ts';
import { always, misbehavingService } from './misbehaving-service.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();
const noRetry = { retry: { retries: 0 } };

/** Returns the error of reading a session from a service. */
async function readFailure(
	url: string,
	settings: object = noRetry,
	timeoutMs = 2_000,
): Promise<{ name: string; message: string }> {
	const { id } = openSession();
	const client = new Redis({ url, token: TOKEN, ...settings });
	const store = new UpstashSessionStore({ redis: client, timeoutMs });
	const { name, message } = await failureOf(store.read(id), id);
	return { name, message };
}

const hostOf = (url: string): string => new URL(url).host;

describe('the StoreError of a service', () => {
	it('names a refused connection', async () => {
		const service = await misbehavingService(always(200, ''));
		await service.stop();
		expect(await readFailure(service.url)).toEqual({
			name: 'StoreError',
			message: `${PACKAGE} reading a session failed: fetch failed (ECONNREFUSED) (host ${hostOf(service.url)})`,
		});
	});

	it('names a host that does not exist', async () => {
		expect((await readFailure('http://no-such-database.invalid')).message).toMatch(
			/reading a session failed: fetch failed \((ENOTFOUND|EAI_AGAIN)\) \(host no-such-database.invalid\)$/,
		);
	});

	it.each([
		['never answers', (): void => {}],
		['stalls in the middle of its answer', stall],
	])('names a timeout if the service %s, also for a client without one', async (_, listener) => {
		const service = await misbehavingService(listener);
		const begin = performance.now();
		expect(await readFailure(service.url, {}, 150)).toEqual({
			name: 'StoreError',
			message: `${PACKAGE} reading a session failed: no response within 150 ms (host ${hostOf(service.url)})`,
		});
		expect(performance.now() - begin).toBeLessThan(1_500);
	});

	it('follows the cancellation of the request after the timeout of fromEnv', async () => {
		const service = await misbehavingService(() => {});
		const env = { UPSTASH_REDIS_REST_URL: service.url, UPSTASH_REDIS_REST_TOKEN: TOKEN };
		const { store } = UpstashInfoSessionManager.fromEnv({ env, timeoutMs: 150 });
		const { message } = await failureOf(store.read('an id'), 'an id');
		expect(message).toContain('no response within 150 ms');
		await service.disconnected;
		expect(service.requests()).toBe(1);
	});

	it('names an invalid token', async () => {
		expect(await readFailure(redis().url)).toEqual({
			name: 'StoreError',
			message:
				`${PACKAGE} reading a session failed: the service rejected the token (WRONGPASS invalid or ` +
				'missing auth token). Is it the REST token of this database, and not read-only?',
		});
	});

	it.each([
		[400, '{"error":"ERR max requests limit exceeded"}', 'ERR max requests limit exceeded'],
		[500, '{"error":"internal error"}', 'internal error'],
		[200, '[{"error":"ERR max daily request limit"}]', 'ERR max daily request limit'],
	])('quotes the error of a response %i with %s', async (status, body, words) => {
		const service = await misbehavingService(always(status, body));
		expect((await readFailure(service.url, {})).message).toBe(
			`${PACKAGE} reading a session failed: the service returned an error: ${words}`,
		);
		expect(service.requests()).toBe(1);
	});

	it('names an error without a message', async () => {
		const { url } = await misbehavingService(always(503, '{}'));
		expect((await readFailure(url)).message).toBe(
			`${PACKAGE} reading a session failed: the service returned an error without a message`,
		);
	});

	it.each([
		[502, '<html><h1>Bad gateway</h1> hush-hush-token </html>'],
		[200, '<!doctype html>'],
		[200, ''],
		[200, '[{"result":"a'],
	])('names a response %i with %j, which is not JSON', async (status, body) => {
		const { url } = await misbehavingService(always(status, body));
		expect((await readFailure(url)).message).toBe(
			`${PACKAGE} reading a session failed: the response is not JSON. Is the URL that of Upstash's REST API? (host ${hostOf(url)})`,
		);
	});

	it.each(['null', '7', '{}', '{"result":"OK"}', '[]', '[null]', '[{"result":null},{"result":1}]'])(
		'names the JSON %s of another protocol',
		async (body) => {
			const { url } = await misbehavingService(always(200, body));
			expect((await readFailure(url)).message).toContain(
				`${PACKAGE} reading a session failed: the response does not follow Upstash's REST protocol`,
			);
		},
	);

	it('does not reveal a password in the URL of the client', async () => {
		const { url } = await misbehavingService(always(200, ''));
		const withPassword = url.replace('http://', `http://default:${TOKEN}@`);
		expect((await readFailure(withPassword)).message).toMatch(
			/reading a session failed: Request cannot be constructed .* <url> \(host 127\.0\.0\.1:\d+\)$/,
		);
	});

	it('does not reveal a token that is an invalid header value', async () => {
		const { id } = openSession();
		const client = new Redis({
			url: 'http://127.0.0.1:1',
			token: `${TOKEN}\n${TOKEN}`,
			...noRetry,
		});
		const { message } = await failureOf(new UpstashSessionStore({ redis: client }).read(id), id);
		expect(message).toMatch(/reading a session failed: .*"<token>" is an invalid header value/);
	});

	it('does not reveal a key that the service quotes', async () => {
		const { id } = openSession();
		const body = JSON.stringify({ error: `ERR no such thing. Key was: {tmcp}:session:${id}` });
		const { url } = await misbehavingService(always(400, body));
		const store = new UpstashSessionStore({ redis: new Redis({ url, token: TOKEN }) });
		expect((await failureOf(store.read(id), id)).message).toMatch(/Key was: {tmcp}:session:<id>$/);
	});

	it('names the operation, and not the id, the uri or the token', async () => {
		const { url } = await misbehavingService(always(500, '{"error":"ERR no"}'));
		const { id, uri, record } = openSession();
		const store = new UpstashSessionStore({ redis: new Redis({ url, token: TOKEN }) });
		const calls: [string, () => Promise<unknown>][] = [
			['storing a session', () => store.create(id, record)],
			['reading a session', () => store.read(id)],
			['updating a session', () => store.update(id, { logLevel: 'info' })],
			['ending a session', () => store.delete(id)],
			['subscribing a session', () => store.subscribe(id, uri, record.expiresAtMs)],
			['ending a subscription', () => store.unsubscribe(id, uri)],
			['listing subscribers', () => store.subscribers(uri)],
			['claiming an id', () => store.claim(id, record.expiresAtMs)],
		];
		for (const [operation, call] of calls) {
			const { name, message } = await failureOf(call(), id);
			expect(name).toBe('StoreError');
			expect(message).toBe(`${PACKAGE} ${operation} failed: the service returned an error: ERR no`);
		}
	});

	it('is reported to onError of the manager', async () => {
		const { url } = await misbehavingService(always(502, 'Bad gateway'));
		const errors: Error[] = [];
		const info = new UpstashInfoSessionManager({
			redis: new Redis({ url, token: TOKEN }),
			onError: (error) => void errors.push(error),
		});
		info.setClientInfo('a', { name: 'a', version: '1' });
		await expect(info.flush('a')).rejects.toMatchObject({ name: 'StoreError' });
		await expect(info.getLogLevel('a')).rejects.toMatchObject({ name: 'StoreError' });
		expect(await info.getSubscriptions('test://a')).toEqual([]);
		expect(errors.map(({ message }) => message.split(':')[0])).toEqual([
			`${PACKAGE} storing a session failed`,
			`${PACKAGE} reading a session failed`,
			`${PACKAGE} listing subscribers failed`,
		]);
	});
});

it.each(['[{"result":"OK"}]', '[{"result":null}]', '[{"result":2}]'])(
	'rejects a claim if the service responds with %s',
	async (body) => {
		const { url } = await misbehavingService(always(200, body));
		const store = new UpstashSessionStore({ redis: new Redis({ url, token: TOKEN }) });
		await expect(store.claim('an-id', Date.now() + 1_000)).rejects.toMatchObject({
			name: 'StoreError',
		});
	},
);

it('throws a StoreError if the client throws a value that is not an Error', async () => {
	// oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the subject of the test
	const exec = (): Promise<never> => Promise.reject(TOKEN);
	const client: UpstashRedis = {
		pipeline: () => ({ getex: () => {}, eval: () => {}, exec }),
	};
	const { message } = await failureOf(
		new UpstashSessionStore({ redis: client }).read('an id'),
		'an id',
	);
	expect(message).toBe(
		`${PACKAGE} reading a session failed: the client threw a value that is not an Error`,
	);
});

function stall(_: unknown, response: { write(text: string): unknown }): void {
	response.write('[{"result":');
}
