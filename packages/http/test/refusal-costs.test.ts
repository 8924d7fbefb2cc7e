import { describe, expect, it } from 'vitest';

import { open, post, setUp, URL_OF_MCP } from './local-handler.ts';

const ROUNDS = 24;
const REQUESTS = 25;
const FORGED = `1.0.${'x'.repeat(32)}.${'y'.repeat(43)}`;
const TEXT = { 'content-type': 'application/json' };

type Mcp = ReturnType<typeof setUp>['mcp'];

/** Returns the CPU time of a request in microseconds, measured over a few requests. */
async function measure(mcp: Mcp, create: () => Request, status: number): Promise<number> {
	const requests = Array.from({ length: REQUESTS }, create);
	const before = process.cpuUsage();
	for (const request of requests) {
		const response = await mcp.fetch(request);
		expect(response.status).toBe(status);
	}
	const { user, system } = process.cpuUsage(before);
	return (user + system) / REQUESTS;
}

function forged(body: string, headers: Record<string, string> = {}): Request {
	return new Request(URL_OF_MCP, {
		method: 'POST',
		headers: { ...TEXT, 'mcp-session-id': FORGED, ...headers },
		body,
	});
}

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const LARGE = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'x'.repeat(1_000_000)}"}}`;
const NESTED = `{"jsonrpc":"2.0","id":1,"method":"ping","params":[${'[],'.repeat(20_000)}[]]}`;
const foreign = { origin: 'https://evil.example' };

describe('a refusal costs at most twice the CPU of a ping', () => {
	it.each([
		['a forged id', () => forged(PING), 404],
		['a forged id with 1 MB', () => forged(LARGE, { 'content-length': String(LARGE.length) }), 404],
		['a forged id with 60 KB of nested JSON', () => forged(NESTED), 404],
		['a foreign origin with 1 MB', () => forged(LARGE, foreign), 403],
		['a body that declares 2 MB', () => forged(PING, { 'content-length': '2000000' }), 404],
	])('%s', async (_, create, status) => {
		const { errors, mcp } = setUp();
		const session = await open(mcp);
		const ping = (): Request => post({ id: 1, method: 'ping' }, session);
		// Garbage collection adds CPU time to some rounds, and more of it where bodies have 1 MB.
		// Each side therefore counts with its cheapest round, and the two take turns.
		const costs: number[] = [];
		const pingCosts: number[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			pingCosts.push(await measure(mcp, ping, 200));
			costs.push(await measure(mcp, create, status));
		}
		expect(Math.min(...costs)).toBeLessThan(2 * Math.min(...pingCosts));
		expect(errors).toEqual([]);
	});
});
