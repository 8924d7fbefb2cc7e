import { BindingError, InMemorySessionStore, StoreError } from '@tmcp-sessions/core';
import type { SingleUse } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

import { requestContext } from './request-contexts.ts';
import { call, open, INVALID_STATE, seal, setUp, STATE } from './request-states.ts';

const cause = new StoreError('info-upstash', 'claiming an id', 'secret of the backend');
const down: SingleUse = { claim: () => Promise.reject(cause) };

describe('M10 sealed-request-state: a single-use request state', () => {
	it('is rejected the second time in every isolate', async () => {
		const singleUse = new InMemorySessionStore();
		const [one, other] = [setUp({ singleUse }).codec, setUp({ singleUse }).codec];
		const encoded = await seal(one);
		expect(await open(other, encoded)).toEqual(STATE);
		await expect(open(one, encoded)).rejects.toMatchObject(INVALID_STATE);
		await expect(open(other, encoded)).rejects.toMatchObject(INVALID_STATE);
		expect(await open(one, await seal(one))).toEqual(STATE);
	});

	it('is opened by only one of 10 concurrent requests', async () => {
		const { codec } = setUp({ singleUse: new InMemorySessionStore() });
		const encoded = await seal(codec);
		const opened = await Promise.allSettled(Array.from({ length: 10 }, () => open(codec, encoded)));
		expect(opened.filter(({ status }) => status === 'fulfilled').length).toBe(1);
	});

	it('is not claimed by a rejected request', async () => {
		const claims: [string, number][] = [];
		const singleUse: SingleUse = {
			claim: async (id, untilMs) => claims.push([id, untilMs]) === 1,
		};
		const { clock, codec } = setUp({ singleUse });
		const encoded = await seal(codec);
		const expiresAtMs = clock.now() + 600_000;
		const { codec: late } = setUp({ singleUse, now: () => expiresAtMs });
		for (const openRejected of [
			() => open(codec, encoded, { principal: 'eve' }),
			() => open(codec, encoded, { message: call({ name: 'other' }) }),
			() => open(codec, `${encoded}A`),
			() => open(late, encoded),
		]) {
			await expect(openRejected()).rejects.toMatchObject(INVALID_STATE);
		}
		expect(claims).toEqual([]);
		await open(codec, encoded);
		// An isolate whose clock is a minute behind must still find the claim.
		expect(claims).toEqual([[expect.stringMatching(/^[\w.-]{1,128}$/), expiresAtMs + 60_000]]);
	});

	it('that cannot be checked is rejected with a StoreError that does not reveal the cause', async () => {
		const { codec } = setUp({ singleUse: down });
		const error = await open(codec, await seal(codec)).catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(StoreError);
		expect(error).toMatchObject({
			code: 'store',
			message:
				'[tmcp-sessions/http] checking the request state failed: its store cannot be reached; ' +
				'try again later',
			cause: { cause },
		});
	});

	it.each([
		['a store outage', down, cause],
		[
			'a missing binding',
			{ claim: () => Promise.reject(new BindingError('info-durable-object', 'no binding')) },
			expect.objectContaining({ name: 'StoreError', message: expect.stringMatching('no binding') }),
		],
	])(
		'passes the cause to the handler if the check fails because of %s',
		async (_, singleUse, failure) => {
			const { codec } = setUp({ singleUse });
			const context = requestContext({ message: call() });
			const encoded = await runInScope(context, () => codec.encode(STATE));
			await expect(runInScope(context, () => codec.decode(encoded))).rejects.toThrow(
				'try again later',
			);
			expect(context.progress.failure).toEqual(failure);
		},
	);
});
