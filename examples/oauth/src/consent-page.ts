import type { ConsentDescription } from '@cloudflare/workers-oauth-provider';

/**
 * Renders the page on which a user signs in and grants access to a client.
 *
 * @param client untrusted metadata of the client; every value of it is escaped.
 * @param handle sent back with the decision.
 * @param problem the reason that the page is shown again.
 */
export function consentPage(client: ConsentDescription, handle: string, problem = ''): string {
	const name = escapeHtml(client.clientName);
	const origin =
		client.clientDomain === undefined
			? 'It has registered itself; its name is not verified.'
			: `It is published by <strong>${escapeHtml(client.clientDomain)}</strong>.`;
	const local = client.redirectIsLoopback
		? '<p>That is a program on this computer. Continue only if you have just started it.</p>'
		: '';
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Allow ${name}?</title>
<h1>Allow ${name}?</h1>
<p>It requests access to the tools of this server on your behalf. ${origin}</p>
<p>Access goes to <strong>${escapeHtml(client.redirectHost)}</strong>.</p>
${local}
<form method="post">
	<p role="alert">${escapeHtml(problem)}</p>
	<p><label>Name <input name="name" autocomplete="username"></label></p>
	<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
	<input type="hidden" name="handle" value="${escapeHtml(handle)}">
	<button name="decision" value="allow">Sign in and allow</button>
	<button name="decision" value="deny">Deny</button>
</form>
</html>
`;
}

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
