import { createKey } from '../keys/create-key.ts';
import type { Authentication } from './choices.ts';

/** The secret with a token for each user. */
const TOKENS = 'MCP_TOKENS';

/** Returns the secrets of an authentication, with what creates their value. */
export function tokenSecrets(authentication: Authentication): Record<string, () => string> {
	return authentication === 'bearer' ? { [TOKENS]: () => JSON.stringify({ me: createKey() }) } : {};
}

/** Returns the commands that try a running server as its clients would. */
export function probeSteps(url: string, authentication: Authentication): readonly string[] {
	const command = `npx @tmcp-sessions/cli probe ${url}`;
	if (authentication !== 'bearer') return [command];
	return [`# Set MCP_TOKEN to a token of ${TOKENS}`, `${command} --bearer-env MCP_TOKEN`];
}

/** `src/principal.ts` of a Worker. */
export const workerPrincipal: string = `import { env } from 'cloudflare:workers';

const hash = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));

/** Returns the user of a bearer token; null rejects the request with 401. */
export async function principal(request: Request): Promise<string | null> {
	const [, sent] = /^Bearer (.+)$/i.exec(request.headers.get('Authorization') ?? '') ?? [];
	for (const [user, token] of Object.entries<string>(JSON.parse(env.${TOKENS}))) {
		if (sent && crypto.subtle.timingSafeEqual(await hash(sent), await hash(token))) return user;
	}
	return null;
}
`;

/** `src/principal.ts` of a process. */
export const processPrincipal: string = `import { createHash, timingSafeEqual } from 'node:crypto';

const hash = (text: string) => createHash('sha256').update(text).digest();
const tokens = Object.entries<string>(JSON.parse(process.env['${TOKENS}'] ?? '{}'));

/** Returns the user of a bearer token; null rejects the request with 401. */
export function principal(request: Request): string | null {
	const [, sent] = /^Bearer (.+)$/i.exec(request.headers.get('Authorization') ?? '') ?? [];
	const found = tokens.find(([, token]) => sent && timingSafeEqual(hash(sent), hash(token)));
	return found?.[0] ?? null;
}
`;
