import { inspect } from 'node:util';
import { expect } from 'vitest';

/** A token that opens nothing. */
export const TOKEN = 'hush-hush-token';
/** What every message begins with. */
export const PACKAGE = '[tmcp-sessions/info-upstash]';

/** The error that an operation rejects with, and that nobody may read one of these secrets in. */
export async function failureOf(work: Promise<unknown>, ...secrets: string[]): Promise<Error> {
	const error: unknown = await work.then(
		() => expect.fail('it did not fail'),
		(reason: unknown) => reason,
	);
	const logged = inspect(error, { depth: Infinity });
	for (const secret of [TOKEN, ...secrets, '127.0.0.1', 'redis.call', 'createdAtMs=']) {
		expect(logged).not.toContain(secret);
	}
	expect(error).toBeInstanceOf(Error);
	return error as Error;
}
