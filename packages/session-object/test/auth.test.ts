import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import type { AuthTokens } from '@tmcp-sessions/session-object';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('tokens', () => {
	it('are stored encrypted, and survive an eviction', async () => {
		const client = await Client.open();
		await inSession(client, ({ auth }) => auth.set('github', { accessToken: 'secret-token' }));
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			const rows = storage.sql.exec('SELECT value FROM tmcp_entries').toArray();
			expect(rows.length).toBeGreaterThan(2);
			expect(JSON.stringify(rows)).not.toContain('secret-token');
		});
		await evictDurableObject(objectOf(client));
		await inSession(client, async ({ auth }) => {
			expect(await auth.get('github')).toEqual({ accessToken: 'secret-token' });
			expect(await auth.get('gitlab')).toBeUndefined();
			expect(auth.services()).toEqual(['github']);
		});
	});

	it('are refreshed once for 20 concurrent reads after they have expired', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		testState.refresh = async ({ refreshToken }) => {
			await gate.promise;
			return { accessToken: `from ${refreshToken}`, expiresAtMs: Date.now() + 3_600_000 };
		};
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', refreshToken: 'r1', expiresAtMs: 1 });
			const reads = Array.from({ length: 20 }, () => auth.get('github'));
			await new Promise((resolve) => setTimeout(resolve, 20));
			gate.resolve();
			const tokens = await Promise.all(reads);
			expect(tokens.map((each) => each?.accessToken)).toEqual(tokens.map(() => 'from r1'));
			expect((await auth.get('github'))?.accessToken).toBe('from r1');
		});
		expect(testState.refreshes).toEqual(['github']);
	});

	it('are refreshed once for 20 concurrent calls, and not again by the next instance', async () => {
		const client = await Client.open();
		await inSession(client, ({ auth }) =>
			auth.set('github', { accessToken: 'old', refreshToken: 'r1', expiresAtMs: 1 }),
		);
		await evictDurableObject(objectOf(client));
		const gate = Promise.withResolvers<void>();
		testState.refresh = async () => {
			await gate.promise;
			return { accessToken: 'new', expiresAtMs: Date.now() + 3_600_000 };
		};
		const calls = Array.from({ length: 20 }, () => client.call('token'));
		await expect.poll(() => testState.refreshes).toEqual(['github']);
		gate.resolve();
		expect(await Promise.all(calls)).toEqual(calls.map(() => 'new'));
		await evictDurableObject(objectOf(client));
		expect(await client.call('token')).toBe('new');
		expect(testState.refreshes).toEqual(['github']);
	});

	it('are rejected if they are invalid, also when a refresh returns them', async () => {
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			const set = (tokens: unknown): Promise<void> => auth.set('github', tokens as AuthTokens);
			const invalid =
				/the tokens for "github" must have a non-empty accessToken, and expiresAtMs, if set, must be in milliseconds since the epoch; got /;
			await expect(set(undefined)).rejects.toThrow(invalid);
			await expect(set({ accessToken: '' })).rejects.toThrow(invalid);
			await expect(set({ accessToken: 'x', expiresAtMs: Number.NaN })).rejects.toThrow(invalid);
			// A time in seconds, which would have expired long ago.
			await expect(set({ accessToken: 'x', expiresAtMs: 1_800_000_000 })).rejects.toThrow(invalid);
			expect(auth.services()).toEqual([]);
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			testState.refresh = async () => ({}) as AuthTokens;
			await expect(auth.get('github')).rejects.toThrow(
				/could not be refreshed \(.+must have a non-empty accessToken/,
			);
		});
	});

	it('reject reads while a refresh fails, and are refreshed by the next read', async () => {
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			await expect(auth.get('github')).rejects.toThrow(
				/have expired and could not be refreshed \(the service is down\); try again later, or ask the user to authorize again/,
			);
			testState.refresh = async () => ({ accessToken: 'new' });
			expect((await auth.get('github'))?.accessToken).toBe('new');
		});
	});

	it('keep their refresh token and other fields if a refresh returns none', async () => {
		const client = await Client.open();
		testState.refresh = async ({ refreshToken }) => ({
			accessToken: `from ${refreshToken}`,
			refreshToken: undefined,
			expiresAtMs: Date.now() + testState.skewMs + HOUR_MS,
		});
		await inSession(client, async ({ auth }) => {
			const tokens = { accessToken: 'old', refreshToken: 'r1', extra: { account: 7 } };
			await auth.set('github', { ...tokens, expiresAtMs: 1 });
			for (let hour = 0; hour < 3; hour++) {
				testState.skewMs = hour * HOUR_MS;
				expect(await auth.get('github')).toMatchObject({ ...tokens, accessToken: 'from r1' });
			}
		});
		expect(testState.refreshes).toHaveLength(3);
	});

	it('reject reads after 60 s of a refresh, are refreshed by the next read, and store a late result', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<AuthTokens>();
		testState.refresh = () => gate.promise;
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
			onTestFinished(() => void vi.useRealTimers());
			const reads = Promise.allSettled([auth.get('github'), auth.get('github')]);
			while (testState.refreshes.length === 0) await scheduler.wait(1);
			await vi.advanceTimersByTimeAsync(60_000);
			expect(
				(await reads).map((each) => each.status === 'rejected' && String(each.reason)),
			).toEqual(
				Array.from({ length: 2 }, () =>
					expect.stringMatching(
						/could not be refreshed \(.+refreshAuth took longer than 60 s.+\); try/,
					),
				),
			);
			vi.useRealTimers();
			testState.refresh = async () => Promise.reject(new Error('refreshed again'));
			await expect(auth.get('github')).rejects.toThrow(/refreshed again/);
			gate.resolve({ accessToken: 'late' });
			await expect.poll(() => auth.get('github').catch(() => {})).toEqual({ accessToken: 'late' });
		});
	});

	it('are not overwritten by a refresh that was running when they were set', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		testState.refresh = async () => {
			await gate.promise;
			return { accessToken: 'refreshed' };
		};
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			const read = auth.get('github');
			await expect.poll(() => testState.refreshes.length).toBe(1);
			await auth.set('github', { accessToken: 'authorized again' });
			gate.resolve();
			await read;
			expect((await auth.get('github'))?.accessToken).toBe('authorized again');
		});
	});

	it('explain how to decrypt them after a key change, and are decrypted with the old key', async () => {
		const client = await Client.open();
		const [old, next] = [
			'the-old-key-of-the-tests-of-tokens',
			'the-new-key-of-the-tests-of-tokens',
		];
		const withKeys = async (authKeys: string[]): Promise<void> => {
			testState.settings = { authKeys };
			await evictDurableObject(objectOf(client));
		};
		await withKeys([old]);
		await inSession(client, ({ auth }) => auth.set('github', { accessToken: 'secret-token' }));
		await withKeys([next]);
		await inSession(client, async ({ auth }) => {
			await expect(auth.get('github')).rejects.toThrow(
				/"github" cannot be decrypted with any key of TMCP_AUTH_KEYS: the key or the storage has changed.+Append the old key to the new one.+auth\.delete\("github"\)/,
			);
		});
		await withKeys([next, old]);
		await inSession(client, async ({ auth }) => {
			const tokens = await auth.get('github');
			expect(tokens?.accessToken).toBe('secret-token');
			if (tokens) await auth.set('github', tokens);
		});
		await withKeys([next]);
		await inSession(client, async ({ auth }) => {
			expect((await auth.get('github'))?.accessToken).toBe('secret-token');
		});
	});

	it('stay deleted if they are deleted while new ones are being encrypted', async () => {
		const client = await Client.open();
		testState.refresh = async () => ({ accessToken: 'refreshed' });
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
			vi.spyOn(crypto.subtle, 'encrypt').mockImplementationOnce((...args) => {
				auth.delete('github');
				return encrypt(...args);
			});
			await auth.get('github');
			expect(auth.services()).toEqual([]);
		});
	});

	it('cannot be decrypted in another object', async () => {
		const [one, other] = [await Client.open(), await Client.open()];
		await inSession(one, ({ auth }) => auth.set('github', { accessToken: 'secret-token' }));
		const [row] = await runInDurableObject(objectOf(one), (_instance, { storage }) =>
			storage.sql
				.exec<{ value: string }>("SELECT value FROM tmcp_entries WHERE kind = 'auth'")
				.toArray(),
		);
		await runInDurableObject(objectOf(other), (_instance, { storage }) => {
			storage.sql.exec(
				"INSERT INTO tmcp_entries (kind, key, value) VALUES ('auth', 'github', ?)",
				row?.value ?? '',
			);
		});
		await inSession(other, async ({ auth }) => {
			await expect(auth.get('github')).rejects.toThrow(/cannot be decrypted/);
		});
	});

	it.each([
		['short', 'keys of at least 32 characters'],
		['a'.repeat(48), 'keys of 128 random bits'],
		['encrypt-tokens-on-this-machine-only', 'keys of 128 random bits'],
	])('are rejected with the weak key %s', async (key, required) => {
		testState.settings = { authKeys: [key] };
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			await expect(auth.set('github', { accessToken: 'x' })).rejects.toThrow(
				new RegExp(`${required} .+ openssl rand -base64 32`),
			);
		});
	});
});
