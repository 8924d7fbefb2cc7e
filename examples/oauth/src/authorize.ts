import { AuthorizationError, CimdFetchError } from '@cloudflare/workers-oauth-provider';
import type { OAuthHelpers } from '@cloudflare/workers-oauth-provider';
import { signIn } from './accounts.ts';
import type { GrantProps } from './caller.ts';
import { consentPage } from './consent-page.ts';

/** What the provider calls its default handler with. */
interface PageEnv extends Cloudflare.Env {
	readonly OAUTH_PROVIDER: OAuthHelpers;
}

/** Answers what is not the provider's own: the page where a user lets a client in, or does not. */
export async function authorize(request: Request, env: Cloudflare.Env): Promise<Response> {
	if (new URL(request.url).pathname !== '/authorize') {
		return new Response('This is an MCP server. Its endpoint is /mcp.', { status: 404 });
	}
	// Sound: the provider adds its helpers before it calls.
	const pageEnv = env as PageEnv;
	try {
		return await (request.method === 'POST' ? decide(request, pageEnv) : ask(request, pageEnv));
	} catch (error) {
		// To an address that the provider has checked the client's user may be sent back; to no other.
		if (error instanceof AuthorizationError && error.redirectTo) {
			return Response.redirect(error.redirectTo, 302);
		}
		if (error instanceof AuthorizationError)
			return new Response(error.description, { status: 400 });
		if (error instanceof CimdFetchError) {
			return new Response('What the client says of itself cannot be read', { status: 400 });
		}
		throw error;
	}
}

/** Shows which client asks, and asks the user to sign in and decide. */
async function ask(request: Request, env: PageEnv, problem?: string): Promise<Response> {
	const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
	const client = await env.OAUTH_PROVIDER.describeConsent(asked);
	const { handle, headers } = await env.OAUTH_PROVIDER.beginConsent(asked);
	headers.set('content-type', 'text/html; charset=utf-8');
	return new Response(consentPage(client, handle, problem), {
		status: problem === undefined ? 200 : 403,
		headers,
	});
}

/** Takes the decision: a grant for the user that signed in, or a refusal. */
async function decide(request: Request, env: PageEnv): Promise<Response> {
	const form = await request.formData();
	const field = (name: string): string => {
		const value = form.get(name);
		return typeof value === 'string' ? value : '';
	};
	if (field('decision') !== 'allow') {
		const { headers } = await env.OAUTH_PROVIDER.denyConsent(request, field('handle'));
		return new Response(null, { status: 302, headers });
	}
	const account = await signIn(field('name'), field('password'), env.DEMO_ACCOUNTS);
	if (account === null) return ask(request, env, 'This name and password do not go together.');

	// What was asked comes from the store, and only the browser that was shown the page can approve.
	const { request: asked, headers } = await env.OAUTH_PROVIDER.approveConsent(
		request,
		field('handle'),
	);
	const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
		request: asked,
		userId: account.id,
		metadata: {},
		scope: [], // this server knows no scopes
		props: { userName: account.name } satisfies GrantProps,
	});
	headers.set('location', redirectTo);
	return new Response(null, { status: 302, headers });
}
