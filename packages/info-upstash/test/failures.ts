import { inspect } from 'node:util';
import { expect } from 'vitest';

/** An invalid token. */
export const TOKEN = 'hush-hush-token';
/** The prefix of every message. */
export const PACKAGE = '[tmcp-sessions/info-upstash]';

/** Returns the error that the operation rejects with, and checks that it reveals no secret. */
export async function failureOf(operation: Promise<unknown>, ...secrets: string[]): Promise<Error> {
	const error: unknown = await operation.then(
		() => expect.fail('the operation did not fail'),
		(reason: unknown) => reason,
	);
	const logged = inspect(error, { depth: Infinity });
	for (const secret of [TOKEN, ...secrets, 'http://', 'redis.call', 'createdAtMs=']) {
		expect(logged).not.toContain(secret);
	}
	expect(error).toBeInstanceOf(Error);
	return error as Error;
}
