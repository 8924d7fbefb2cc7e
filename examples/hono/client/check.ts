import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { isDeepStrictEqual } from 'node:util';

/** What was looked at, and what was seen. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

/**
 * What two users see of the guestbook, which remembers each of them.
 *
 * @param url of the app.
 * @param tokenOf makes a token of a user, another one each time.
 */
export async function checkGuestbook(
	url: URL,
	tokenOf: (user: string) => Promise<string>,
): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, seen: unknown, expected: unknown): void => {
		checks.push({ title, holds: isDeepStrictEqual(seen, expected), seen });
	};
	const endpoint = new URL('/guestbook', url);
	// New names, so that it holds as often as it is run.
	const [alice, bob] = [`alice-${crypto.randomUUID()}`, `bob-${crypto.randomUUID()}`];
	const { status } = await fetch(endpoint, { method: 'POST' });
	check('nobody gets in without a token', status, 401);

	check('a first visit', await sign(endpoint, await tokenOf(alice)), `visit 1 of ${alice}`);
	check(
		'another session, with another token of the same user, goes on with it',
		await sign(endpoint, await tokenOf(alice)),
		`visit 2 of ${alice}`,
	);
	check('another user begins anew', await sign(endpoint, await tokenOf(bob)), `visit 1 of ${bob}`);
	return checks;
}

/** Opens a session, signs, and ends it. @returns what the guestbook says. */
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
