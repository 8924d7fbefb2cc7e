import { env } from 'cloudflare:workers';

const hash = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));

/** Returns the user of a bearer token; null rejects the request with 401. */
export async function principal(request: Request): Promise<string | null> {
	const [, sent] = /^Bearer (.+)$/i.exec(request.headers.get('Authorization') ?? '') ?? [];
	for (const [user, token] of Object.entries<string>(JSON.parse(env.MCP_TOKENS))) {
		if (sent && crypto.subtle.timingSafeEqual(await hash(sent), await hash(token))) return user;
	}
	return null;
}
