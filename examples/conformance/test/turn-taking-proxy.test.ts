import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startTurnTakingProxy } from '../run/turn-taking-proxy.ts';

/** Starts a server that responds with its name and the `Host` of the request. */
async function startNamed(name: string): Promise<URL> {
	const server = createServer((request, response) =>
		response.end(`${name} ${request.headers.host}`),
	);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => void server.close());
	// Safe because a server that listens on TCP has an address with a port.
	return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

it('alternates requests, POST separately, and keeps their Host', async () => {
	const proxy = await startTurnTakingProxy([await startNamed('a'), await startNamed('b')]);
	onTestFinished(() => proxy.close());
	const send = async (method: string): Promise<string> =>
		(await fetch(proxy.url, { method })).text();

	const responses: string[] = [];
	for (const method of ['POST', 'POST', 'GET', 'POST', 'DELETE', 'POST']) {
		responses.push(await send(method));
	}
	expect(responses).toEqual(
		['a', 'b', 'a', 'a', 'b', 'b'].map((name) => `${name} ${proxy.url.host}`),
	);
});

it('returns 502 if the server is unreachable', async () => {
	const proxy = await startTurnTakingProxy([new URL('http://127.0.0.1:9')]);
	onTestFinished(() => proxy.close());
	expect((await fetch(proxy.url)).status).toBe(502);
});
