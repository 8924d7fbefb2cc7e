import { describe, expect, it } from 'vitest';

import { SealedInfoSessionManager } from '../src/index.ts';
import { newKey } from './endpoint.ts';

const HEX = '0123456789abcdef';
const hexKey = (): string =>
	[...crypto.getRandomValues(new Uint8Array(32))]
		.map((byte) => byte.toString(16).padStart(2, '0'))
		.join('');

const make = (...keys: (string | undefined)[]): object => new SealedInfoSessionManager({ keys });

describe('a key to seal session ids with', () => {
	it('is taken as every usual command makes it, 1,000 times', () => {
		for (let count = 0; count < 1_000; count++) {
			expect(() => make(newKey())).not.toThrow();
			expect(() => make(newKey().replace(/=+$/, ''))).not.toThrow();
			expect(() => make(hexKey())).not.toThrow();
		}
		expect(() => make(undefined, `${newKey()},${hexKey()}\n`)).not.toThrow();
	});

	it.each<[string, (string | undefined)[]]>([
		['nothing', []],
		['a variable that is not set', [undefined]],
		['an empty one', ['']],
		['spaces and commas', [' , ,\n']],
		['a short one', ['hunter2']],
		['32 hexadecimal digits, which are 128 bits', ['9f2b7c51d0e84a36b1f7029c5e8da34b']],
		['a UUID', ['3f0f1d86-2a94-4c1e-9b7a-5f1de8c04a77']],
		['31 bytes in hexadecimal', [hexKey().slice(2)]],
		['42 characters of base64', [newKey().slice(0, 42)]],
		[
			'76 decimal digits',
			['3141592653589793238462643383279502884197169399375105820974944592307816406286'],
		],
		['one character, over and over', ['k'.repeat(64)]],
		['one word, over and over', ['correct-horse-'.repeat(6)]],
		['the alphabet, over and over', [HEX.repeat(4)]],
		['few characters', ['abababbabbbaabababbabbabaabbabababbabaaabbab']],
		['change me', ['change-me-change-me-to-a-long-random-secret-!']],
		['changeme', ['ChangeMe1234567890ChangeMeABCDEFGHIJKLMNOP']],
		['a placeholder', ['this-is-a-placeholder-of-43-characters-12345']],
		['an example', ['the-example-of-the-docs-is-not-a-secret-12345']],
		['your secret', ['put-your-secret-in-here-and-make-it-long-1234']],
		['a weak one behind a good one', [newKey(), 'k'.repeat(64)]],
	])('is refused where it is %s, and it is said how to make one', (_, keys) => {
		const error = ((): unknown => {
			try {
				return make(...keys);
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
