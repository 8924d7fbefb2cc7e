import type { ConsentDescription } from '@cloudflare/workers-oauth-provider';

/**
 * The page that asks a user to sign in and to let a client in.
 *
 * @param client says of itself whatever it likes: nothing of it goes into the page unescaped.
 * @param handle goes back with the decision.
 * @param problem why the page is shown again.
 */
export function consentPage(client: ConsentDescription, handle: string, problem = ''): string {
	const name = escaped(client.clientName);
	const origin =
		client.clientDomain === undefined
			? 'It has registered itself: nobody has checked its name.'
			: `It is published by <strong>${escaped(client.clientDomain)}</strong>.`;
	const local = client.redirectIsLoopback
		? '<p>That is a program on this computer. Go on only if you have just started it.</p>'
		: '';
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Let ${name} in?</title>
<h1>Let ${name} in?</h1>
<p>It asks to use the tools of this server in your name. ${origin}</p>
<p>Access goes to <strong>${escaped(client.redirectHost)}</strong>.</p>
${local}
<form method="post">
	<p role="alert">${escaped(problem)}</p>
	<p><label>Name <input name="name" autocomplete="username"></label></p>
	<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
	<input type="hidden" name="handle" value="${escaped(handle)}">
	<button name="decision" value="allow">Sign in and allow</button>
	<button name="decision" value="deny">Deny</button>
</form>
</html>
`;
}

function escaped(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
