import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { onTestFinished } from 'vitest';

import { ERAS } from '../client/check.ts';

export type Era = keyof typeof ERAS;

/** A connected client, and the responses that it got. */
export interface Connected {
	readonly client: Client;
	readonly transport: StreamableHTTPClientTransport;
	readonly responses: Response[];
	/** The messages that the client is asked. */
	readonly questions: string[];
	/** Sends all further requests to another URL: the deployment has restarted. */
	reconnect(url: URL): Connected;
}

/** Returns the text of a tool's result. */
export function textOf(result: unknown): string {
	// Safe because the tools of the tests return one text.
	const { content } = result as { content?: { text?: string }[] };
	return content?.[0]?.text ?? JSON.stringify(result);
}

/** Connects an official client whose user agrees to everything. */
export async function connect(
	url: URL,
	era: Era,
	send: (request: Request) => Promise<Response> = fetch,
	token = 'ada-token',
): Promise<Connected> {
	const client = new Client(
		{ name: 'visitor', version: '1.0.0' },
		{ ...ERAS[era], capabilities: { elicitation: { form: {} } } },
	);
	let target = url;
	const responses: Response[] = [];
	const questions: string[] = [];
	client.setRequestHandler('elicitation/create', ({ params }) => {
		questions.push(params.message);
		return { action: 'accept', content: { sure: true } };
	});
	const transport = new StreamableHTTPClientTransport(url, {
		requestInit: { headers: { authorization: `Bearer ${token}` } },
		async fetch(input, init) {
			const response = await send(new Request(target, new Request(input, init)));
			responses.push(response);
			return response;
		},
	});
	await client.connect(transport);
	onTestFinished(() => client.close());
	const connected: Connected = {
		client,
		transport,
		responses,
		questions,
		reconnect(moved) {
			target = moved;
			return connected;
		},
	};
	return connected;
}
