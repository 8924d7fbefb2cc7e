import { createKey } from '../keys/create-key.ts';

/** The address of the Worker, which tokens are issued for. */
const ORIGIN = 'PUBLIC_ORIGIN';
/** The secret of the sign-in that users replace. */
const PASSWORD = 'SIGN_IN_PASSWORD';

/** The binding of the KV namespace in which the provider stores clients, grants and tokens. */
export const PROVIDER_NAMESPACE = 'OAUTH_KV';
export const PROVIDER_IMPORT =
	"import { OAuthProvider } from '@cloudflare/workers-oauth-provider';";

/** The variables of an OAuth provider. */
export const providerVariables: Readonly<Record<string, string>> = {
	[ORIGIN]: 'http://localhost:8787',
};

/** The secrets of an OAuth provider, with what creates their value. */
export const providerSecrets: Readonly<Record<string, () => string>> = { [PASSWORD]: createKey };

/** The types of the environment that no secret declares. */
export const providerEnvironment: string = `		readonly ${ORIGIN}: string;
		/** Set by the OAuth provider when it calls its \`defaultHandler\`. */
		readonly OAUTH_PROVIDER: import('@cloudflare/workers-oauth-provider').OAuthHelpers;
`;

/** The commands to type next, and what to replace. */
export const providerSteps: readonly string[] = [
	'npm install',
	'npx wrangler dev',
	`# Connect a client to http://localhost:8787/mcp. The page that it opens takes ${PASSWORD} of .dev.vars`,
	`# Before you deploy: replace src/sign-in.ts, and set ${ORIGIN} in wrangler.jsonc to the address of the Worker`,
];

/** The end of the entry: the provider around the handler \`mcp\`. */
export const providerEntry: readonly string[] = [
	'',
	'// Serves the metadata, the registration of clients and the tokens, and calls `mcp` with a valid token only.',
	'export default new OAuthProvider({',
	"	apiRoute: '/mcp',",
	'	apiHandler: mcp,',
	'	defaultHandler: { fetch: authorize },',
	"	authorizeEndpoint: '/authorize',",
	"	tokenEndpoint: '/token',",
	"	clientRegistrationEndpoint: '/register',",
	'	resourceMetadata: {',
	`		resource: \`\${env.${ORIGIN}}/mcp\`,`,
	`		authorization_servers: [env.${ORIGIN}],`,
	'	},',
	'});',
];

const caller = `import type { OAuthResourceContext } from '@cloudflare/workers-oauth-provider';

/** Stored encrypted with a grant. Every token of the grant yields it. */
export interface GrantProps {
	readonly userName: string;
}

// Safe because only the provider calls the handler, and it sets \`auth\` and \`props\` of the context.
const grantOf = (context: unknown) => context as OAuthResourceContext<GrantProps>;

/** Returns the caller, for the tools. The provider has verified the token. */
export async function verify(_request: Request, context: unknown) {
	const { auth, props } = grantOf(context);
	const { audience, clientId = '', expiresAt, scope, token, userId } = auth;
	const extra = { userId, userName: props.userName };
	return { token, clientId, scopes: scope, expiresAt, resource: new URL(audience), extra };
}

/** Returns the owner of a session. A token refresh changes neither the user nor the client. */
export function principal(_request: Request, _caller: unknown, context: unknown) {
	const { clientId, userId } = grantOf(context).auth;
	return userId && clientId ? { subject: userId, client: clientId } : null;
}
`;

const signIn = `import { env } from 'cloudflare:workers';

/** A user of this server. */
export interface User {
	/** Permanent. Must not contain a colon, which separates the parts of the provider's storage keys. */
	readonly id: string;
	readonly name: string;
}

const hash = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));

/**
 * REPLACE THIS FILE with the sign-in of your users. Until then there is one user, \`me\`, who signs in
 * with the secret ${PASSWORD}. Limit the number of attempts if users choose their passwords. For a sign-in at another
 * provider, such as GitHub, see \`beginUpstream\` of @cloudflare/workers-oauth-provider.
 *
 * @param form the fields of \`signInFields\`.
 * @returns null to show the page again.
 */
export async function signIn(form: FormData): Promise<User | null> {
	const sent = String(form.get('password') ?? '');
	// Hashes have equal lengths, and their comparison takes the same time for every guess.
	const isRight = crypto.subtle.timingSafeEqual(await hash(sent), await hash(env.${PASSWORD}));
	return isRight && sent !== '' ? { id: 'me', name: 'me' } : null;
}

/** The part of the consent page that signs the user in. */
export const signInFields = \`
	<p><strong>This sign-in is a placeholder. Replace src/sign-in.ts before you deploy.</strong></p>
	<p><label>${PASSWORD} <input name="password" type="password" autofocus></label></p>\`;
`;

const consentPage = `import type { ConsentDescription } from '@cloudflare/workers-oauth-provider';
import { signInFields } from './sign-in.ts';

/**
 * Renders the page on which a user signs in and grants access to a client.
 *
 * @param client untrusted metadata of the client; every value of it is escaped.
 * @param handle sent back with the decision.
 * @param problem the reason that the page is shown again.
 */
export function consentPage(client: ConsentDescription, handle: string, problem: string): string {
	const name = escapeHtml(client.clientName);
	return \`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Allow \${name}?</title>
<h1>Allow \${name}?</h1>
<p>It requests access to the tools of this server on your behalf. It has registered itself; its name is not verified.</p>
<p>Access goes to <strong>\${escapeHtml(client.redirectHost)}</strong>\${client.redirectIsLoopback ? ', a program on this computer' : ''}.</p>
<form method="post">
	<p role="alert">\${escapeHtml(problem)}</p>\${signInFields}
	<input type="hidden" name="handle" value="\${escapeHtml(handle)}">
	<button name="decision" value="allow">Sign in and allow</button>
	<button name="decision" value="deny">Deny</button>
</form>
</html>
\`;
}

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => \`&#\${character.charCodeAt(0)};\`);
}
`;

const authorize = `import { AuthorizationError } from '@cloudflare/workers-oauth-provider';
import type { GrantProps } from './caller.ts';
import { consentPage } from './consent-page.ts';
import { signIn } from './sign-in.ts';

/** Serves the consent page. The provider serves all other OAuth endpoints. */
export async function authorize(request: Request, env: Cloudflare.Env): Promise<Response> {
	if (new URL(request.url).pathname !== '/authorize') {
		return new Response('This is an MCP server. Its endpoint is /mcp.', { status: 404 });
	}
	try {
		return await (request.method === 'POST' ? decide(request, env) : showPage(request, env));
	} catch (error) {
		if (!(error instanceof AuthorizationError)) throw error;
		// The provider has validated this address for the client. Never redirect to another one.
		if (error.redirectTo) return Response.redirect(error.redirectTo, 302);
		return new Response(error.description, { status: 400 });
	}
}

async function showPage(request: Request, env: Cloudflare.Env, problem = ''): Promise<Response> {
	const authRequest = await env.OAUTH_PROVIDER.parseAuthRequest(request);
	const client = await env.OAUTH_PROVIDER.describeConsent(authRequest);
	// The headers bind the handle to this browser and forbid framing.
	const { handle, headers } = await env.OAUTH_PROVIDER.beginConsent(authRequest);
	headers.set('content-type', 'text/html; charset=utf-8');
	const status = problem === '' ? 200 : 403;
	return new Response(consentPage(client, handle, problem), { status, headers });
}

/** Stores a grant for the user that signed in, or denies the request. */
async function decide(request: Request, env: Cloudflare.Env): Promise<Response> {
	const form = await request.formData();
	const handle = String(form.get('handle') ?? '');
	if (form.get('decision') !== 'allow') {
		const { headers } = await env.OAUTH_PROVIDER.denyConsent(request, handle);
		return new Response(null, { status: 302, headers });
	}
	const user = await signIn(form);
	if (user === null) return showPage(request, env, 'The sign-in failed.');

	// The authorization request comes from storage, not from the form.
	const approved = await env.OAUTH_PROVIDER.approveConsent(request, handle);
	const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
		request: approved.request,
		userId: user.id,
		metadata: {},
		scope: [], // this server defines no scopes
		props: { userName: user.name } satisfies GrantProps,
	});
	approved.headers.set('location', redirectTo);
	return new Response(null, { status: 302, headers: approved.headers });
}
`;

const providerTest = `import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createTestHarness } from 'wrangler';

const origin = 'http://localhost:8787';
const password = 'for this test';
const worker = createTestHarness({
	workers: [{ configPath: 'wrangler.jsonc', secrets: { ${PASSWORD}: password }, vars: { ${ORIGIN}: origin } }],
});
after(() => worker.close());
// The address decides what the Worker sees as its origin; the harness serves it on another port.
const fetchWorker: typeof fetch = (url, init) => worker.fetch(String(url), { redirect: 'manual', ...init });

/** Stores what the client gets, and remembers the page that it would open in a browser. */
class Credentials {
	redirectUrl = 'http://localhost:3000/callback';
	clientMetadata = { client_name: 'Test', redirect_uris: [this.redirectUrl], token_endpoint_auth_method: 'none' };
	page = new URL(origin);
	#stored: Record<string, any> = {};

	redirectToAuthorization = (url: URL) => void (this.page = url);
	saveDiscoveryState = (value: unknown) => void (this.#stored.discovery = value);
	discoveryState = () => this.#stored.discovery;
	saveClientInformation = (value: unknown) => void (this.#stored.client = value);
	clientInformation = () => this.#stored.client;
	saveCodeVerifier = (value: string) => void (this.#stored.verifier = value);
	codeVerifier = () => this.#stored.verifier;
	saveTokens = (value: unknown) => void (this.#stored.tokens = value);
	tokens = () => this.#stored.tokens;
}

/** Signs in on the consent page, as the user does in a browser. */
async function decide(page: URL, sent: string): Promise<Response> {
	const shown = await fetchWorker(page);
	const cookie = shown.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
	const [, handle = ''] = /name="handle" value="([^"]+)"/.exec(await shown.text()) ?? [];
	const body = new URLSearchParams({ handle, decision: 'allow', password: sent });
	return fetchWorker(page, { method: 'POST', body, headers: { cookie } });
}

test('a client registers, its user signs in, and a tool answers', async () => {
	await worker.listen();
	const authProvider = new Credentials();
	const connection = () =>
		new StreamableHTTPClientTransport(new URL('/mcp', origin), { authProvider, fetch: fetchWorker });
	const client = new Client({ name: 'test', version: '1.0.0' });
	const first = connection();
	await assert.rejects(client.connect(first), { name: 'UnauthorizedError' });

	assert.equal((await decide(authProvider.page, 'a guess')).status, 403);
	const allowed = await decide(authProvider.page, password);
	await first.finishAuth(new URL(allowed.headers.get('location') ?? '').searchParams);

	await client.connect(connection());
	const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
	assert.deepEqual(content, [{ type: 'text', text: 'Hello, Ada!' }]);
	await client.close();
});
`;

/** The files of an OAuth provider, beside the entry. */
export const providerFiles: Readonly<Record<string, string>> = {
	'src/authorize.ts': authorize,
	'src/caller.ts': caller,
	'src/consent-page.ts': consentPage,
	'src/sign-in.ts': signIn,
	'test/oauth.test.ts': providerTest,
};
