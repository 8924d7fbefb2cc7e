import { expect } from 'vitest';

import type { Endpoint, Incoming } from '../endpoint.ts';

/** Opens a listener of the stateless era; resolves as soon as the headers are there. */
export function listen(
	endpoint: Endpoint,
	id: string | number,
	notifications: Record<string, unknown>,
): Promise<Incoming> {
	return endpoint.postStateless({ id, method: 'subscriptions/listen', params: { notifications } });
}

/** Calls a tool that raises a change, and has raised it when this settles. */
export async function raise(
	endpoint: Endpoint,
	name: string,
	args: Record<string, unknown>,
): Promise<void> {
	const params = { name, arguments: args };
	const answer = await endpoint.postStateless({ id: 1, method: 'tools/call', params });
	await answer.ended;
	expect(answer.text).toContain('raised');
}
