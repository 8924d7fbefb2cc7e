import { describe, expect, it } from 'vitest';

import { open, post, setUp, URL_OF_MCP } from './local-handler.ts';

const ROUNDS = 100;
const FORGED = `1.0.${'x'.repeat(32)}.${'y'.repeat(43)}`;
const TEXT = { 'content-type': 'application/json' };

/** Returns the CPU time of a request in microseconds, the median of several measurements. */
async function cpuOf(
	mcp: ReturnType<typeof setUp>['mcp'],
	create: () => Request,
	status: number,
): Promise<number> {
	const times: number[] = [];
	for (let measurement = 0; measurement < 5; measurement++) {
		const requests = Array.from({ length: ROUNDS }, create);
		const before = process.cpuUsage();
		for (const request of requests) {
			const response = await mcp.fetch(request);
			expect(response.status).toBe(status);
		}
		const { user, system } = process.cpuUsage(before);
		times.push((user + system) / ROUNDS);
	}
	return times.toSorted((one, other) => one - other)[2] ?? Number.NaN;
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
		await cpuOf(mcp, ping, 200);
		// The lower of two, in case the machine was interrupted.
		const costs = [await cpuOf(mcp, create, status), await cpuOf(mcp, create, status)];
		const pingCosts = [await cpuOf(mcp, ping, 200), await cpuOf(mcp, ping, 200)];
		expect(Math.min(...costs)).toBeLessThan(2 * Math.max(...pingCosts));
		expect(errors).toEqual([]);
	});
});
