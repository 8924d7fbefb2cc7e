import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { changingUri } from '../mcp-requests.ts';
import { serveOurs } from './serve-ours.ts';

const HOUR_MS = 3_600_000;
const AT_ONCE = 100;

/**
 * Our handler, and a way to fill its store with sessions that nobody calls: `/sessions?from=&count=`
 * makes some, and `/subscribers` the same of subscribers of the resource.
 */
export function serveGrowing(info: StoredInfoSessionManager): {
	fetch(request: Request, env: unknown, context: ExecutionContext): Promise<Response>;
} {
	const handler = serveOurs(info);
	return {
		async fetch(request, env, context) {
			const { pathname, searchParams } = new URL(request.url);
			if (pathname === '/mcp') return handler.fetch(request, env, context);
			const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))];
			const fill = async (index: number): Promise<void> => {
				const untilMs = Date.now() + HOUR_MS;
				const id = `filled-${index}`;
				if (pathname === '/subscribers') await info.store.subscribe(id, changingUri, untilMs);
				else await info.store.create(id, { createdAtMs: Date.now(), expiresAtMs: untilMs });
			};
			for (let at = from; at < from + count; at += AT_ONCE) {
				const some = Array.from({ length: Math.min(AT_ONCE, from + count - at) });
				await Promise.all(some.map((_, index) => fill(at + index)));
			}
			return new Response();
		},
	};
}
