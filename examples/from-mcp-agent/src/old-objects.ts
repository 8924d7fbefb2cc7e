import { createHash, timingSafeEqual } from 'node:crypto';
import { env } from 'cloudflare:workers';

import { userOf } from './access-tokens.ts';
import type { Outcome, RetiredAgent } from './retired-agent.ts';

/** The binding and the secret that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly COUNTER: DurableObjectNamespace<RetiredAgent>;
			readonly ADMIN_TOKEN: string;
		}
	}
}

/** The session ids of `McpAgent` are ids of Durable Objects, which it uses in names. */
const OLD_SESSION = /^[0-9a-f]{64}$/;
/** A request of a Worker may wait for six subrequests at the same time. */
const AT_ONCE = 6;
const MAX_IDS = 100;
const MODES = ['dry-run', 'orphans', 'all'] as const;

/** Hands over the state of the old session that a request names, once. */
export async function handOverOldSession(request: Request): Promise<void> {
	const sessionId = request.headers.get('mcp-session-id') ?? '';
	const user = OLD_SESSION.test(sessionId) ? userOf(request) : undefined;
	if (user === undefined) return;
	await env.COUNTER.getByName(`streamable-http:${sessionId}`).handOver(user);
}

/** Retires the objects of a batch. Returns what became of each. */
export async function retireBatch(request: Request): Promise<Response> {
	if (!isAdmin(request)) return new Response(null, { status: 401 });
	const { ids, mode }: { ids?: unknown; mode?: unknown } = await request.json();
	const known = MODES.find((each) => each === mode);
	if (!known || !Array.isArray(ids) || ids.length > MAX_IDS) {
		return Response.json({ error: `expected ${MAX_IDS} ids or less, and a mode` }, { status: 400 });
	}
	const outcomes: Record<string, Outcome> = {};
	const rest = ids.map(String);
	const work = async (): Promise<void> => {
		for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
			const object = env.COUNTER.get(env.COUNTER.idFromString(id));
			outcomes[id] = await object.retire({ mode: known });
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return Response.json(outcomes);
}

function isAdmin(request: Request): boolean {
	const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
	const found = digest(request.headers.get('authorization') ?? '');
	return env.ADMIN_TOKEN !== '' && timingSafeEqual(found, digest(`Bearer ${env.ADMIN_TOKEN}`));
}
