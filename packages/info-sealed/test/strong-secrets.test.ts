import { describe, expect, it } from 'vitest';

import { SealedInfoSessionManager } from '../src/index.ts';
import { newKey } from './endpoint.ts';

const HEX = '0123456789abcdef';
const hexKey = (): string =>
	[...crypto.getRandomValues(new Uint8Array(32))]
		.map((byte) => byte.toString(16).padStart(2, '0'))
		.join('');

const create = (...keys: (string | undefined)[]): object => new SealedInfoSessionManager({ keys });

describe('a key to seal session ids with', () => {
	it('is accepted from the usual commands, 1,000 times', () => {
		for (let count = 0; count < 1_000; count++) {
			expect(() => create(newKey())).not.toThrow();
			expect(() => create(newKey().replace(/=+$/, ''))).not.toThrow();
			expect(() => create(hexKey())).not.toThrow();
		}
		expect(() => create(undefined, `${newKey()},${hexKey()}\n`)).not.toThrow();
	});

	it.each<[string, (string | undefined)[]]>([
		['missing', []],
		['an unset variable', [undefined]],
		['empty', ['']],
		['spaces and commas', [' , ,\n']],
		['short', ['hunter2']],
		['32 hexadecimal digits, which are 128 bits', ['9f2b7c51d0e84a36b1f7029c5e8da34b']],
		['a UUID', ['3f0f1d86-2a94-4c1e-9b7a-5f1de8c04a77']],
		['31 bytes in hexadecimal', [hexKey().slice(2)]],
		['42 characters of base64', [newKey().slice(0, 42)]],
		[
			'76 decimal digits',
			['3141592653589793238462643383279502884197169399375105820974944592307816406286'],
		],
		['a repeated character', ['k'.repeat(64)]],
		['a repeated word', ['correct-horse-'.repeat(6)]],
		['a repeated alphabet', [HEX.repeat(4)]],
		['of few different characters', ['abababbabbbaabababbabbabaabbabababbabaaabbab']],
		['change me', ['change-me-change-me-to-a-long-random-secret-!']],
		['changeme', ['ChangeMe1234567890ChangeMeABCDEFGHIJKLMNOP']],
		['a placeholder', ['this-is-a-placeholder-of-43-characters-12345']],
		['an example', ['the-example-of-the-docs-is-not-a-secret-12345']],
		['your secret', ['put-your-secret-in-here-and-make-it-long-1234']],
		['a weak one after a strong one', [newKey(), 'k'.repeat(64)]],
	])('is rejected if it is %s, with a command that generates one', (_, keys) => {
		const error = ((): unknown => {
			try {
				return create(...keys);
			} catch (thrown) {
				return thrown;
			}
		})();
		expect(error).toMatchObject({ code: 'configuration' });
		const { message } = error as Error;
		expect(message).toMatch(/keys.*got .*Make one with: openssl rand -base64 32$/s);
		for (const key of keys) if (key && key.trim().length > 3) expect(message).not.toContain(key);
	});
});
