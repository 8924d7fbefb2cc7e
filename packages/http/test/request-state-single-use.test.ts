import { BindingError, InMemorySessionStore, StoreError } from '@tmcp-sessions/core';
import type { SingleUse } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

import { requestContext } from './request-contexts.ts';
import { call, open, REFUSED, seal, setUp, STATE } from './request-states.ts';

const cause = new StoreError('info-upstash', 'claiming an id', 'secret of the backend');
const down: SingleUse = { claim: () => Promise.reject(cause) };

describe('M10 sealed-request-state: a request state that is good for one use', () => {
	it('is refused the second time, on every isolate', async () => {
		const singleUse = new InMemorySessionStore();
		const [one, other] = [setUp({ singleUse }).codec, setUp({ singleUse }).codec];
		const encoded = await seal(one);
		expect(await open(other, encoded)).toEqual(STATE);
		await expect(open(one, encoded)).rejects.toMatchObject(REFUSED);
		await expect(open(other, encoded)).rejects.toMatchObject(REFUSED);
		expect(await open(one, await seal(one))).toEqual(STATE);
	});

	it('is opened once by 10 requests at the same moment', async () => {
		const { codec } = setUp({ singleUse: new InMemorySessionStore() });
		const encoded = await seal(codec);
		const opened = await Promise.allSettled(Array.from({ length: 10 }, () => open(codec, encoded)));
		expect(opened.filter(({ status }) => status === 'fulfilled').length).toBe(1);
	});

	it('is not used up by what is refused, which costs no operation of the store', async () => {
		const claims: [string, number][] = [];
		const singleUse: SingleUse = {
			claim: async (id, untilMs) => claims.push([id, untilMs]) === 1,
		};
		const { clock, codec } = setUp({ singleUse });
		const encoded = await seal(codec);
		const expiresAtMs = clock.now() + 600_000;
		const { codec: late } = setUp({ singleUse, now: () => expiresAtMs });
		for (const refused of [
			() => open(codec, encoded, { principal: 'eve' }),
			() => open(codec, encoded, { message: call({ name: 'other' }) }),
			() => open(codec, `${encoded}A`),
			() => open(late, encoded),
		]) {
			await expect(refused()).rejects.toMatchObject(REFUSED);
		}
		expect(claims).toEqual([]);
		await open(codec, encoded);
		// A clock that is a minute behind must still find it used.
		expect(claims).toEqual([[expect.stringMatching(/^[\w.-]{1,128}$/), expiresAtMs + 60_000]]);
	});

	it('that cannot be checked is refused with a StoreError, whose text says nothing of the store', async () => {
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
		['a store that is down', down, cause],
		[
			'a binding that is missing',
			{ claim: () => Promise.reject(new BindingError('info-durable-object', 'no binding')) },
			expect.objectContaining({ name: 'StoreError', message: expect.stringMatching('no binding') }),
		],
	])(
		'that cannot be checked for %s leaves the reason to the handler',
		async (_, singleUse, why) => {
			const { codec } = setUp({ singleUse });
			const work = requestContext({ message: call() });
			const encoded = await runInScope(work, () => codec.encode(STATE));
			await expect(runInScope(work, () => codec.decode(encoded))).rejects.toThrow(
				'try again later',
			);
			expect(work.progress.failure).toEqual(why);
		},
	);
});
