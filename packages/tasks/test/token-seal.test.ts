import { createTokenSeal } from '@tmcp-sessions/tasks';
import { describe, expect, it } from 'vitest';

const newKey = (): string => `${crypto.randomUUID()}${crypto.randomUUID()}`;
const TOKEN = 'token-of-ada-0123456789';
const EXPIRES_AT_MS = Date.UTC(2026, 10, 29);

describe('createTokenSeal', () => {
	it('opens a token until its expiry, and not afterwards', async () => {
		let nowMs = EXPIRES_AT_MS - 1;
		const seal = createTokenSeal({ keys: [newKey()], now: () => nowMs });
		const sealed = await seal.seal(TOKEN, EXPIRES_AT_MS);
		expect(sealed).not.toContain(TOKEN);
		expect(atob(sealed.replaceAll('-', '+').replaceAll('_', '/'))).not.toContain(TOKEN);
		expect(await seal.open(sealed)).toBe(TOKEN);
		nowMs += 1;
		expect(await seal.open(sealed)).toBeUndefined();
	});

	it('opens what an older key has sealed, and nothing that was changed', async () => {
		const [older, newer] = [newKey(), newKey()];
		const now = (): number => EXPIRES_AT_MS - 1;
		const sealed = await createTokenSeal({ keys: [older], now }).seal(TOKEN, EXPIRES_AT_MS);
		expect(await createTokenSeal({ keys: [`${newer}, ${older}`], now }).open(sealed)).toBe(TOKEN);
		const seal = createTokenSeal({ keys: [newer], now });
		for (const text of [sealed, `A${sealed.slice(1)}`, '', TOKEN, undefined, 5]) {
			expect(await seal.open(text)).toBeUndefined();
		}
	});

	it.each([NaN, Infinity, undefined as never, 1_795_000_000])(
		'rejects the expiry %o, which is not in milliseconds',
		async (expiresAtMs) => {
			const sealing = createTokenSeal({ keys: [newKey()] }).seal(TOKEN, expiresAtMs);
			await expect(sealing).rejects.toThrow(
				`expiresAtMs must be in milliseconds since the epoch; got ${String(expiresAtMs)}`,
			);
			await expect(sealing).rejects.not.toThrow(TOKEN);
		},
	);

	it.each([[[]], [[undefined]], [['short']]])('rejects the keys %o', (keys) => {
		expect(() => createTokenSeal({ keys })).toThrow('createTokenSeal needs keys of at least');
	});
});
