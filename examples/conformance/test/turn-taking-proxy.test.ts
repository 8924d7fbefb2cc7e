import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startTurnTakingProxy } from '../run/turn-taking-proxy.ts';

/** A server that answers with its name and the `Host` that it was asked for. */
async function startNamed(name: string): Promise<URL> {
	const server = createServer((request, response) =>
		response.end(`${name} ${request.headers.host}`),
	);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => void server.close());
	// A server that listens on a port has an address with one.
	return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

it('requests take turns, POSTs among themselves, and keep their Host', async () => {
	const proxy = await startTurnTakingProxy([await startNamed('a'), await startNamed('b')]);
	onTestFinished(() => proxy.close());
	const ask = async (method: string): Promise<string> =>
		(await fetch(proxy.url, { method })).text();

	const answers: string[] = [];
	for (const method of ['POST', 'POST', 'GET', 'POST', 'DELETE', 'POST']) {
		answers.push(await ask(method));
	}
	expect(answers).toEqual(
		['a', 'b', 'a', 'a', 'b', 'b'].map((name) => `${name} ${proxy.url.host}`),
	);
});

it('a server that is gone makes a 502', async () => {
	const proxy = await startTurnTakingProxy([new URL('http://127.0.0.1:9')]);
	onTestFinished(() => proxy.close());
	expect((await fetch(proxy.url)).status).toBe(502);
});
