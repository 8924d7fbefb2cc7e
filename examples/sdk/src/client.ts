import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const GREETINGS = 'greetings://latest';

/** The eras of the protocol that the client checks. */
export const ERAS = {
	'session-based': {},
	stateless: { versionNegotiation: { mode: { pin: '2026-07-28' } } },
} as const;

/**
 * Checks a server in one era: a call, and the update that it raises.
 *
 * @param fetch sends a request. Default: the global one.
 * @returns what the client has found.
 * @throws if the server does not respond as it should.
 */
export async function check(
	url: URL,
	era: keyof typeof ERAS,
	fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<{ readonly text: string; readonly updated: string; readonly session: boolean }> {
	const client = new Client({ name: 'checker', version: '1.0.0' }, ERAS[era]);
	const transport = new StreamableHTTPClientTransport(url, { fetch });
	await client.connect(transport);
	try {
		const updated = new Promise<string>((resolve) => {
			client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
				resolve(params.uri),
			);
		});
		if (era === 'stateless') await client.listen({ resourceSubscriptions: [GREETINGS] });
		else await client.subscribeResource({ uri: GREETINGS });
		const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
		const [first] = content;
		return {
			text: first?.type === 'text' ? first.text : '',
			updated: await updated,
			session: transport.sessionId !== undefined,
		};
	} finally {
		await client.close();
	}
}
