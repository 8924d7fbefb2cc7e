import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { isDeepStrictEqual } from 'node:util';

/** One check and its result. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

/**
 * Checks that the guestbook counts the visits of two users separately.
 *
 * @param url the origin of the app.
 * @param issueToken issues a new token for a user on each call.
 */
export async function checkGuestbook(
	url: URL,
	issueToken: (user: string) => Promise<string>,
): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, seen: unknown, expected: unknown): void => {
		checks.push({ title, holds: isDeepStrictEqual(seen, expected), seen });
	};
	const endpoint = new URL('/guestbook', url);
	// Random names, so that the checks can be repeated on one deployment.
	const [alice, bob] = [`alice-${crypto.randomUUID()}`, `bob-${crypto.randomUUID()}`];
	const { status } = await fetch(endpoint, { method: 'POST' });
	check('a request without a token is a 401', status, 401);

	check(
		'a first visit is counted',
		await sign(endpoint, await issueToken(alice)),
		`visit 1 of ${alice}`,
	);
	check(
		'a second session of the same user, with a new token, continues the count',
		await sign(endpoint, await issueToken(alice)),
		`visit 2 of ${alice}`,
	);
	check(
		'another user starts at 1',
		await sign(endpoint, await issueToken(bob)),
		`visit 1 of ${bob}`,
	);
	return checks;
}

/** Opens a session, signs the guestbook and ends the session. @returns the text of the result. */
export async function sign(endpoint: URL, token: string): Promise<unknown> {
	const client = new Client({ name: 'guestbook-check', version: '1.0.0' });
	const requestInit = { headers: { authorization: `Bearer ${token}` } };
	const transport = new StreamableHTTPClientTransport(endpoint, { requestInit });
	await client.connect(transport);
	try {
		const { content } = await client.callTool({ name: 'sign' });
		const [first] = content;
		return first?.type === 'text' ? first.text : content;
	} finally {
		await transport.terminateSession();
		await client.close();
	}
}
