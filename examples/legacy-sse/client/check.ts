import { isDeepStrictEqual } from 'node:util';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { TestClient } from './test-client.ts';

/** One check and its result. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

/** Checks one client of each transport, and that a change reaches both. */
export async function checkKitchen(base: URL, fetchLike: typeof fetch = fetch): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, seen: unknown, expected: unknown): void => {
		checks.push({ title, holds: isDeepStrictEqual(seen, expected), seen });
	};
	const legacy = new TestClient();
	const current = new TestClient();
	try {
		await legacy.open(new SSEClientTransport(new URL('/sse', base), { fetch: fetchLike }));
		await current.open(
			new StreamableHTTPClientTransport(new URL('/mcp', base), { fetch: fetchLike }),
		);
		for (const [path, client] of Object.entries({ '/sse': legacy, '/mcp': current })) {
			check(
				`${path}: a call returns its result`,
				await client.call('cook', { dish: 'soup' }),
				'soup is ready',
			);
			check(`${path}: a tool elicits a value`, await client.call('tip'), '50 cents');
		}
		const changes = ['kitchen://menu changed', 'the tools changed'];
		await legacy.call('change_menu');
		check('/sse: a change arrives once', await legacy.changesAfter(2), changes);
		check('/mcp: a change by the /sse client arrives once', await current.changesAfter(2), changes);
	} finally {
		await legacy.close();
		await current.close();
	}
	return checks;
}
