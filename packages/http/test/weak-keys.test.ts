import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createSessionIds } from '@tmcp-sessions/core/internal';
import { createMcpHandler, createRequestStateCodec } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { describe, expect, it } from 'vitest';

import { createServer, INITIALIZE, KEY, post } from './local-handler.ts';

const WEAK = {
	'a repeated character': 'a'.repeat(48),
	'a repeated word': 'correct-horse-'.repeat(4),
	'a repeated word that is cut off': 'correct-horse-battery-'.repeat(3).slice(0, 50),
	'few different characters': 'abababbabbbaabababbabbabaabbabababbabaaabbab',
	'a repeated alphabet': '0123456789abcdef'.repeat(3),
	'an alphabet': 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEF',
	'counted digits': '12345678901234567890123456789012345678901234',
	'few bits': '31415926535897932384626433832795',
	'a placeholder': 'change-me-to-a-long-random-secret-of-yours',
	'an example': 'the-example-key-of-the-documentation-is-long',
	'a key of an example of this repository': 'sign-session-ids-on-this-machine-only',
};

const info = new StoredInfoSessionManager(new InMemorySessionStore());

/** Everything that takes keys, and fails when it is created. */
const uses: Readonly<Record<string, (key: string) => unknown>> = {
	createSessionIds: (key) => createSessionIds({ keys: [KEY, key] }),
	'createMcpHandler, sessionKeys': (key) =>
		createMcpHandler(createServer(), { info, sessionKeys: [`${KEY} ${key}`] }),
	'createSseHandler, sessionKeys': (key) =>
		createSseHandler(createServer(), { info, sessionKeys: [key] }),
	createRequestStateCodec: (key) => createRequestStateCodec({ keys: [key] }),
};

describe('a weak key', () => {
	for (const [name, key] of Object.entries(WEAK)) {
		it.each(Object.entries(uses))(`of ${name} is rejected by %s, and not shown`, (_use, use) => {
			expect(() => use(key)).toThrow(/ of 128 random bits; got one .+Make one with: openssl rand/);
			expect(() => use(key)).not.toThrow(key);
		});

		it(`of ${name} in the environment is rejected by the first request`, async () => {
			const errors: string[] = [];
			const onError = ({ message }: Error): void => void errors.push(message);
			const mcp = createMcpHandler(createServer(), { info, onError });
			const response = await mcp.fetch(post(INITIALIZE), { TMCP_SESSION_KEYS: key });
			expect(response.status).toBe(500);
			expect(await response.text()).not.toContain(key);
			expect(errors.join()).toMatch(/TMCP_SESSION_KEYS needs keys of 128 random bits; got one /);
			expect(errors.join()).not.toContain(key);
		});
	}

	it('is no random one, in 1,000 of each usual command', () => {
		const random = (bytes: number): Uint8Array<ArrayBuffer> =>
			crypto.getRandomValues(new Uint8Array(bytes));
		for (let count = 0; count < 1_000; count++) {
			const keys = [
				Buffer.from(random(32)).toString('base64'),
				Buffer.from(random(24)).toString('base64url'),
				Buffer.from(random(32)).toString('hex'),
				Buffer.from(random(16)).toString('hex'),
				crypto.randomUUID(),
			];
			for (const key of keys) expect(() => createSessionIds({ keys: [key] }), key).not.toThrow();
		}
	});
});
