import { reasonOf } from '@tmcp-sessions/core/backend';

import type { RedisListener } from '../redis-connection.ts';
import { RedisConnectionError } from '../redis-failure.ts';

/** A line of the stream ends with this at the latest. A longer one is an error of the service. */
const MAX_LINE_LENGTH = 8 * 1024 * 1024;

/**
 * Subscribes with Upstash's `/subscribe` and reads the stream of events. `@upstash/redis` 1.39 cannot be
 * used for it: it does not report that a stream has ended, so that a subscription would be lost silently.
 *
 * @see https://upstash.com/docs/redis/features/restapi
 * @returns once the service has confirmed the subscription.
 */
export async function readSubscription(
	url: string,
	token: string,
	signal: AbortSignal,
	listener: RedisListener,
): Promise<void> {
	const response = await request(url, token, signal);
	const confirmed = Promise.withResolvers<void>();
	readLines(response.body, (line) => {
		const [, kind, text] = /^data: ?(\w+),[^,]*,(.*)$/s.exec(line) ?? [];
		if (kind === 'subscribe') confirmed.resolve();
		else if (kind === 'message' && text !== undefined) listener.onMessage(text);
	})
		.then(
			() => new RedisConnectionError('the service ended the subscription'),
			(error: unknown) => new RedisConnectionError(reasonOf(error), { cause: error }),
		)
		.then((reason) => {
			confirmed.reject(reason);
			if (!signal.aborted && isConfirmed) listener.onEnd(reason);
		})
		.catch(() => {}); // `onEnd` reports its own failures.
	let isConfirmed = false;
	await confirmed.promise;
	isConfirmed = true;
}

async function request(url: string, token: string, signal: AbortSignal): Promise<Response> {
	const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
	let response: Response;
	try {
		response = await fetch(url, { method: 'POST', headers, signal });
	} catch (error) {
		throw new RedisConnectionError(reasonOf(error), { cause: error });
	}
	if (response.ok) return response;
	const text = await response.text();
	const [, words] = /"error":\s*"([^"]*)"/.exec(text) ?? [];
	throw new Error(words ?? `the service answered ${response.status}`);
}

async function readLines(
	body: ReadableStream<Uint8Array> | null,
	onLine: (line: string) => void,
): Promise<void> {
	if (!body) return;
	const decoder = new TextDecoder();
	let rest = '';
	for await (const chunk of body) {
		const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
		rest = lines.pop() ?? '';
		if (rest.length > MAX_LINE_LENGTH) throw new Error('a message of the service is too long');
		for (const line of lines) onLine(line);
	}
}
