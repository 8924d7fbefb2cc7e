import type { McpHandler, OAuthHelper } from '@tmcp-sessions/http';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The caller that `oauth.verify` of the edge has returned; null if the edge authenticates no callers. */
export type Caller = Awaited<ReturnType<OAuthHelper['verify']>>;

const HEADER = 'tmcp-edge';
const MAX_AGE_MS = 60_000;
const MIN_KEY_LENGTH = 32;
const FORBIDDEN = { code: -32600, message: 'This server answers requests of its edge only' };

/** What the edge signs. */
interface Claims {
	readonly issuedMs: number;
	/** Covers the path, the session id and the body: a signature is valid for one message. */
	readonly digest: string;
	readonly caller: Caller;
}

/** Returns the request as the edge forwards it: with its signature, and without the access token. */
export function signRequest(request: Request, body: string, caller: Caller, keys: string): Request {
	const digest = digestOf(request, body);
	const claims: Claims = {
		issuedMs: Date.now(),
		digest,
		caller: caller && { ...caller, token: '' },
	};
	const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
	const [key = ''] = splitKeys(keys);
	const headers = new Headers(request.headers);
	headers.delete('authorization');
	headers.set(HEADER, `${payload}.${macOf(payload, key).toString('base64url')}`);
	return new Request(request, { headers });
}

/** Serves the requests that an edge has signed with one of the keys, and rejects every other with 403. */
export function acceptEdge(handler: McpHandler, keys: string): McpHandler {
	return {
		async fetch(request, env, context) {
			const props = await verifyRequest(request, keys);
			if (props === undefined) {
				return Response.json({ jsonrpc: '2.0', id: null, error: FORBIDDEN }, { status: 403 });
			}
			const waitUntil = (promise: Promise<unknown>): void => context?.waitUntil(promise);
			return handler.fetch(request, env, { waitUntil, props });
		},
	};
}

/** The `oauth` of the origin. */
export const edgeCaller: OAuthHelper = {
	// Safe because `acceptEdge` sets the props.
	verify: async (_request, context) => (context?.props ?? null) as Caller,
};

async function verifyRequest(request: Request, keys: string): Promise<Caller | undefined> {
	const [payload = '', mac = ''] = (request.headers.get(HEADER) ?? '').split('.');
	const found = Buffer.from(mac, 'base64url');
	const expected = splitKeys(keys).map((key) => macOf(payload, key));
	if (!expected.some((each) => each.length === found.length && timingSafeEqual(each, found))) {
		return undefined;
	}
	// Safe because the edge has signed it.
	const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
	if (Math.abs(Date.now() - claims.issuedMs) > MAX_AGE_MS) return undefined;
	const digest = digestOf(request, await request.clone().text());
	return digest === claims.digest ? claims.caller : undefined;
}

/** @throws if there is no key, or one is too short. */
function splitKeys(keys: string): string[] {
	const split = keys.split(/[\s,]+/).filter(Boolean);
	if (split.length > 0 && split.every(({ length }) => length >= MIN_KEY_LENGTH)) return split;
	throw new Error(
		`the keys of the edge must have at least ${MIN_KEY_LENGTH} characters; got shorter ones or none. ` +
			'Create one with: openssl rand -base64 32',
	);
}

function macOf(payload: string, key: string): Buffer {
	return createHmac('sha256', key).update(payload).digest();
}

function digestOf({ headers, method, url }: Request, body: string): string {
	const signed = [method, new URL(url).pathname, headers.get('mcp-session-id'), body];
	return createHash('sha256').update(JSON.stringify(signed)).digest('base64url');
}
