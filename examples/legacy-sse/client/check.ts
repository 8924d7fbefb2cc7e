import { isDeepStrictEqual } from 'node:util';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Visit } from './visit.ts';

/** What was looked at, and what was seen. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

/** Two guests, an old client and a new one, and what each of them sees. */
export async function checkKitchen(base: URL, fetchLike: typeof fetch = fetch): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, seen: unknown, expected: unknown): void => {
		checks.push({ title, holds: isDeepStrictEqual(seen, expected), seen });
	};
	const old = new Visit();
	const current = new Visit();
	try {
		await old.begin(new SSEClientTransport(new URL('/sse', base), { fetch: fetchLike }));
		await current.begin(
			new StreamableHTTPClientTransport(new URL('/mcp', base), { fetch: fetchLike }),
		);
		for (const [name, visit] of Object.entries({ '/sse': old, '/mcp': current })) {
			check(
				`${name}: a call is answered`,
				await visit.call('cook', { dish: 'soup' }),
				'soup is ready',
			);
			check(`${name}: a tool asks its guest`, await visit.call('tip'), '50 cents');
		}
		const news = ['kitchen://menu changed', 'the tools changed'];
		await old.call('change_menu');
		check('/sse: a change is heard once', await old.hears(2), news);
		check('/mcp: a change that the old client made is heard once', await current.hears(2), news);
	} finally {
		await old.end();
		await current.end();
	}
	return checks;
}
