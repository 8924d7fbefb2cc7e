import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import type { AuthTokens } from '@tmcp-sessions/session-object';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf } from './fixture/objects.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

describe('tokens', () => {
	it('are encrypted where they are kept, and outlive an eviction', async () => {
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

	it('that have expired are refreshed once, however many calls find them so', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		world.refresh = async ({ refreshToken }) => {
			await gate.promise;
			return { accessToken: `from ${refreshToken}`, expiresAtMs: Date.now() + 3_600_000 };
		};
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', refreshToken: 'r1', expiresAtMs: 1 });
			const asked = Array.from({ length: 20 }, () => auth.get('github'));
			await new Promise((resolve) => setTimeout(resolve, 20));
			gate.resolve();
			const tokens = await Promise.all(asked);
			expect(tokens.map((each) => each?.accessToken)).toEqual(tokens.map(() => 'from r1'));
			expect((await auth.get('github'))?.accessToken).toBe('from r1');
		});
		expect(world.refreshes).toEqual(['github']);
	});

	it('are refreshed once for all calls, and not again by the next instance', async () => {
		const client = await Client.open();
		await inSession(client, ({ auth }) =>
			auth.set('github', { accessToken: 'old', refreshToken: 'r1', expiresAtMs: 1 }),
		);
		await evictDurableObject(objectOf(client));
		const gate = Promise.withResolvers<void>();
		world.refresh = async () => {
			await gate.promise;
			return { accessToken: 'new', expiresAtMs: Date.now() + 3_600_000 };
		};
		const calls = Array.from({ length: 20 }, () => client.call('token'));
		await expect.poll(() => world.refreshes).toEqual(['github']);
		gate.resolve();
		expect(await Promise.all(calls)).toEqual(calls.map(() => 'new'));
		await evictDurableObject(objectOf(client));
		expect(await client.call('token')).toBe('new');
		expect(world.refreshes).toEqual(['github']);
	});

	it('that are none are refused, and so is what a refresh makes of them', async () => {
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			const set = (tokens: unknown): Promise<void> => auth.set('github', tokens as AuthTokens);
			const wrong =
				/the tokens for "github" must have a non-empty accessToken, and expiresAtMs, if set, must be in milliseconds since the epoch; got /;
			await expect(set(undefined)).rejects.toThrow(wrong);
			await expect(set({ accessToken: '' })).rejects.toThrow(wrong);
			await expect(set({ accessToken: 'x', expiresAtMs: Number.NaN })).rejects.toThrow(wrong);
			// As seconds are, which would have expired long ago.
			await expect(set({ accessToken: 'x', expiresAtMs: 1_800_000_000 })).rejects.toThrow(wrong);
			expect(auth.services()).toEqual([]);
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			world.refresh = async () => ({}) as AuthTokens;
			await expect(auth.get('github')).rejects.toThrow(
				/could not be refreshed \(.+must have a non-empty accessToken/,
			);
		});
	});

	it('whose refresh fails say so to each call, and the next one tries again', async () => {
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			await expect(auth.get('github')).rejects.toThrow(
				/have expired and could not be refreshed \(the service is down\); try again later, or ask the user to authorize again/,
			);
			world.refresh = async () => ({ accessToken: 'new' });
			expect((await auth.get('github'))?.accessToken).toBe('new');
		});
	});

	it('keep their refresh token, and what goes with them, where a refresh gives no other', async () => {
		const client = await Client.open();
		world.refresh = async ({ refreshToken }) => ({
			accessToken: `from ${refreshToken}`,
			refreshToken: undefined,
			expiresAtMs: Date.now() + world.skewMs + HOUR_MS,
		});
		await inSession(client, async ({ auth }) => {
			const tokens = { accessToken: 'old', refreshToken: 'r1', extra: { account: 7 } };
			await auth.set('github', { ...tokens, expiresAtMs: 1 });
			for (let hour = 0; hour < 3; hour++) {
				world.skewMs = hour * HOUR_MS;
				expect(await auth.get('github')).toMatchObject({ ...tokens, accessToken: 'from r1' });
			}
		});
		expect(world.refreshes).toHaveLength(3);
	});

	it('whose refresh never ends say so, the next call tries again, and what comes of it late is kept', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<AuthTokens>();
		world.refresh = () => gate.promise;
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
			onTestFinished(() => void vi.useRealTimers());
			const asked = Promise.allSettled([auth.get('github'), auth.get('github')]);
			while (world.refreshes.length === 0) await scheduler.wait(1);
			await vi.advanceTimersByTimeAsync(60_000);
			expect(
				(await asked).map((each) => each.status === 'rejected' && String(each.reason)),
			).toEqual(
				Array.from({ length: 2 }, () =>
					expect.stringMatching(
						/could not be refreshed \(.+refreshAuth took longer than 60 s.+\); try/,
					),
				),
			);
			vi.useRealTimers();
			world.refresh = async () => Promise.reject(new Error('asked again'));
			await expect(auth.get('github')).rejects.toThrow(/asked again/);
			gate.resolve({ accessToken: 'late' });
			await expect.poll(() => auth.get('github').catch(() => {})).toEqual({ accessToken: 'late' });
		});
	});

	it('set while a refresh is under way are not overwritten by it', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		world.refresh = async () => {
			await gate.promise;
			return { accessToken: 'refreshed' };
		};
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			const asked = auth.get('github');
			await expect.poll(() => world.refreshes.length).toBe(1);
			await auth.set('github', { accessToken: 'authorized again' });
			gate.resolve();
			await asked;
			expect((await auth.get('github'))?.accessToken).toBe('authorized again');
		});
	});

	it('that cannot be decrypted after a key change say what to do, and the old key helps', async () => {
		const client = await Client.open();
		const [old, next] = ['o'.repeat(32), 'n'.repeat(32)];
		const withKeys = async (authKeys: string[]): Promise<void> => {
			world.settings = { authKeys };
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

	it('that were deleted while new ones were encrypted stay deleted', async () => {
		const client = await Client.open();
		world.refresh = async () => ({ accessToken: 'refreshed' });
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

	it('of another object cannot be opened here', async () => {
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

	it('are not kept without a key', async () => {
		world.settings = { authKeys: ['short'] };
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			await expect(auth.set('github', { accessToken: 'x' })).rejects.toThrow(
				/keys of at least 32 characters .+ openssl rand -base64 32/,
			);
		});
	});
});
