import { AuthorizationError, CimdFetchError } from '@cloudflare/workers-oauth-provider';
import type { OAuthHelpers } from '@cloudflare/workers-oauth-provider';
import { signIn } from './accounts.ts';
import type { GrantProps } from './caller.ts';
import { consentPage } from './consent-page.ts';

/** The environment that the provider passes to its default handler. */
interface PageEnv extends Cloudflare.Env {
	readonly OAUTH_PROVIDER: OAuthHelpers;
}

/** Serves the consent page; the provider serves all other OAuth endpoints. */
export async function authorize(request: Request, env: Cloudflare.Env): Promise<Response> {
	if (new URL(request.url).pathname !== '/authorize') {
		return new Response('This is an MCP server. Its endpoint is /mcp.', { status: 404 });
	}
	// Safe because the provider adds its helpers to the environment before it calls this handler.
	const pageEnv = env as PageEnv;
	try {
		return await (request.method === 'POST'
			? decide(request, pageEnv)
			: showPage(request, pageEnv));
	} catch (error) {
		// Redirect only to an address that the provider has validated for this client.
		if (error instanceof AuthorizationError && error.redirectTo) {
			return Response.redirect(error.redirectTo, 302);
		}
		if (error instanceof AuthorizationError)
			return new Response(error.description, { status: 400 });
		if (error instanceof CimdFetchError) {
			return new Response('The metadata document of the client cannot be read', { status: 400 });
		}
		throw error;
	}
}

/** Shows the client of the request and a form to sign in and decide. */
async function showPage(request: Request, env: PageEnv, problem?: string): Promise<Response> {
	const authRequest = await env.OAUTH_PROVIDER.parseAuthRequest(request);
	const client = await env.OAUTH_PROVIDER.describeConsent(authRequest);
	const { handle, headers } = await env.OAUTH_PROVIDER.beginConsent(authRequest);
	headers.set('content-type', 'text/html; charset=utf-8');
	return new Response(consentPage(client, handle, problem), {
		status: problem === undefined ? 200 : 403,
		headers,
	});
}

/** Handles the decision: stores a grant for the user that signed in, or denies the request. */
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
	if (account === null) return showPage(request, env, 'The name or the password is incorrect.');

	// The authorization request comes from storage, not from the form; only the browser that was shown
	// the page can approve it.
	const { request: authRequest, headers } = await env.OAUTH_PROVIDER.approveConsent(
		request,
		field('handle'),
	);
	const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
		request: authRequest,
		userId: account.id,
		metadata: {},
		scope: [], // this server defines no scopes
		props: { userName: account.name } satisfies GrantProps,
	});
	headers.set('location', redirectTo);
	return new Response(null, { status: 302, headers });
}
