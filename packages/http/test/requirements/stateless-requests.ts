import { expect } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';

/** Opens a subscription of a stateless client; resolves when the response headers arrive. */
export function openSubscription(
	endpoint: Endpoint,
	id: string | number,
	notifications: Record<string, unknown>,
): Promise<IncomingResponse> {
	return endpoint.postStateless({ id, method: 'subscriptions/listen', params: { notifications } });
}

/** Calls a tool that announces a change; resolves after the tool has returned. */
export async function emitChange(
	endpoint: Endpoint,
	name: string,
	args: Record<string, unknown>,
): Promise<void> {
	const params = { name, arguments: args };
	const response = await endpoint.postStateless({ id: 1, method: 'tools/call', params });
	await response.ended;
	expect(response.text).toContain('raised');
}
