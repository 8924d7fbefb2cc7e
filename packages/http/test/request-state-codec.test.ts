import type { RequestScope } from '@tmcp-sessions/core/backend';
import { mutate, seededRandom } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { createRequestStateCodec } from '../src/request-state/codec.ts';
import type { RequestStateCodec } from '../src/request-state/codec.ts';
import { call, KEY, open, REFUSED, requesting, seal, setUp, STATE } from './request-states.ts';

const OTHER_KEY = 'o'.repeat(32);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Returns what `open` rejects with, or what it opened. */
async function refusalOf(codec: RequestStateCodec, encoded: string): Promise<unknown> {
	return open(codec, encoded).catch((error: unknown) => error);
}

function isRefused(outcome: unknown): boolean {
	return (
		outcome instanceof Error &&
		outcome.name === REFUSED.name &&
		outcome.message === REFUSED.message &&
		'code' in outcome &&
		outcome.code === REFUSED.code
	);
}

describe('M10 sealed-request-state: a sealed request state', () => {
	it('comes back to the same caller and request, sent again with its answers', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const again = call(
			{ inputResponses: { '0': { action: 'accept' } }, requestState: encoded, _meta: { a: 1 } },
			{ id: 'another' },
		);
		expect(await open(codec, encoded, { message: again })).toEqual(STATE);
	});

	it('shows nothing of the state, and is another one each time', async () => {
		const { codec } = setUp();
		const sealed = await Promise.all(Array.from({ length: 1_000 }, () => seal(codec)));
		const nonces = sealed.map((each) => each.slice(2, 18));
		expect([new Set(sealed).size, new Set(nonces).size]).toEqual([1_000, 1_000]);
		for (const each of sealed) {
			const bytes = Buffer.from(each.slice(2), 'base64url').toString('latin1');
			for (const part of ['secret', 'state', 'version', 'alice', 'transfer']) {
				expect(each + bytes).not.toContain(part);
			}
		}
	});

	it('is refused with any one character changed, left out, cut off or added', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const changed = new Set<string>();
		for (let at = 0; at <= encoded.length; at++) {
			const [before, after] = [encoded.slice(0, at), encoded.slice(at)];
			changed.add(before).add(before + after.slice(1));
			for (const character of `${ALPHABET}=+/. \n\u0000é`) {
				changed.add(before + character + after.slice(1)).add(before + character + after);
			}
		}
		changed.delete(encoded);
		// One assertion for all: an `expect` for each of them takes longer than to open it.
		const outcomes = await Promise.all(
			[...changed].map(async (each) => [each, await refusalOf(codec, each)] as const),
		);
		expect(outcomes.filter(([, refusal]) => !isRefused(refusal))).toEqual([]);
		expect(changed.size).toBeGreaterThan(15_000);
		expect(await open(codec, encoded)).toEqual(STATE);
	}, 60_000);

	it.each(['bob', '', 'alice ', 'alic', 'Alice', undefined])(
		'of alice is refused to the principal %j',
		async (principal) => {
			const { codec } = setUp();
			const encoded = await seal(codec);
			await expect(open(codec, encoded, { principal })).rejects.toMatchObject(REFUSED);
		},
	);

	it.each<[string, object]>([
		['another tool', call({ name: 'transfer2' })],
		['another argument', call({ arguments: { to: 'eve', amount: 100, notes: [] } })],
		['an argument of another type', call({ arguments: { to: 'bob', amount: '100' } })],
		['one argument more', call({ arguments: { to: 'bob', amount: 100, now: true } })],
		['no arguments', call({ arguments: undefined })],
		['another method', call({}, { method: 'prompts/get' })],
		['another parameter', call({ other: null })],
		['another order in a list', call({ arguments: { notes: ['c', { a: 1, b: 2 }] } })],
		['a list for an object', call({ arguments: [] })],
	])('is refused to a request with %s', async (_, message) => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		await expect(open(codec, encoded, { message })).rejects.toMatchObject(REFUSED);
		const own = await seal(codec, { message });
		expect(await open(codec, own, { message })).toEqual(STATE);
	});

	it.each([
		['__proto__', '{"__proto__":{"admin":false}}', '{"__proto__":{"admin":true}}'],
		['__proto__ and nothing', '{"__proto__":{}}', '{}'],
		['a list and its indexes', '{"a":["b"]}', '{"a":{"0":"b"}}'],
		['null and nothing', '{"a":null}', '{}'],
		['a name in two pieces', '{"a":1,"b":1}', '{"a\\":1,\\"b":1}'],
	])('tells arguments apart that are alike: %s', async (_, one, other) => {
		const { codec } = setUp();
		const calling = (args: string): { message: object } => ({
			message: call({ arguments: JSON.parse(args) }),
		});
		const encoded = await seal(codec, calling(one));
		expect(await open(codec, encoded, calling(one))).toEqual(STATE);
		await expect(open(codec, encoded, calling(other))).rejects.toMatchObject(REFUSED);
	});

	it('is good for the same request with its keys in another order', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const args = { notes: [{ b: 2, a: 1 }, 'c'], amount: 100, to: 'bob' };
		const message = { params: { arguments: args, name: 'transfer' }, method: 'tools/call', id: 7 };
		expect(await open(codec, encoded, { message })).toEqual(STATE);
	});

	it('is good for 600 s, to the millisecond, or as long as it is told', async () => {
		for (const [lifetimeSeconds, lifetimeMs] of [
			[undefined, 600_000],
			[1.5, 1_500],
		] as const) {
			const { clock, codec } = setUp({ lifetimeSeconds });
			const encoded = await seal(codec);
			clock.advance(lifetimeMs - 1);
			expect(await open(codec, encoded)).toEqual(STATE);
			clock.advance(1);
			await expect(open(codec, encoded)).rejects.toMatchObject(REFUSED);
		}
	});

	it('of a clock that is ahead is taken up to a minute, and one of the far future is not', async () => {
		const { clock, codec } = setUp();
		const ahead = (ms: number): RequestStateCodec => setUp({ now: () => clock.now() + ms }).codec;
		expect(await open(codec, await seal(ahead(60_000)))).toEqual(STATE);
		const future = await seal(ahead(60_001));
		await expect(open(codec, future)).rejects.toMatchObject(REFUSED);
	});

	it('survives a rotation of keys, and not the removal of its own', async () => {
		const old = await seal(setUp().codec);
		const rotated = setUp({ keys: [OTHER_KEY, KEY] }).codec;
		expect(await open(rotated, old)).toEqual(STATE);
		const [fresh, newest] = [await seal(rotated), setUp({ keys: [OTHER_KEY] }).codec];
		expect(await open(newest, fresh)).toEqual(STATE);
		await expect(open(newest, old)).rejects.toMatchObject(REFUSED);
		await expect(open(setUp().codec, fresh)).rejects.toMatchObject(REFUSED);
		// As they stand in one variable.
		expect(await open(setUp({ keys: [`${OTHER_KEY}, ${KEY}\n`] }).codec, old)).toEqual(STATE);
	});

	it('may be sent again within its lifetime where nothing makes it good for one use', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		await open(codec, encoded);
		expect(await open(codec, encoded)).toEqual(STATE);
	});

	it('keeps 190,000 characters, and more than tmcp would take is not sealed', async () => {
		const { codec } = setUp();
		const large = 'é'.repeat(98_000 - 30);
		expect(await open(codec, await seal(codec, {}, large))).toBe(large);
		await expect(seal(codec, {}, `${large}${'x'.repeat(1_000)}`)).rejects.toMatchObject({
			code: 'request-state',
			message: expect.stringMatching(/must have at most 262144 characters; got 26\d{4}: keep less/),
		});
		await expect(open(codec, `1.${'A'.repeat(300_000)}`)).rejects.toMatchObject(REFUSED);
	});

	it('is refused with the same error and nothing else in 20,000 mutations', async () => {
		const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
		console.log(`mutations of request states: SEED=${seed}`);
		const random = seededRandom(seed);
		const { codec } = setUp({ keys: [KEY, OTHER_KEY] });
		const states = await Promise.all(Array.from({ length: 20 }, () => seal(codec)));
		const wrong: unknown[] = [];
		for (let round = 0; round < 20_000; round++) {
			const mutated = mutate(states, random);
			if (states.includes(mutated)) continue;
			const outcome = await refusalOf(codec, mutated);
			if (!isRefused(outcome)) wrong.push([mutated, outcome]);
		}
		expect(wrong).toEqual([]);
	}, 60_000);
});

describe('createRequestStateCodec', () => {
	it.each<[string, Partial<RequestScope> | undefined]>([
		['without a scope', undefined],
		['without the message', { message: undefined }],
		['with a list of messages', { message: [call()] }],
		['with an answer', { message: { jsonrpc: '2.0', id: 1, result: {} } }],
	])('neither seals nor opens %s', async (_, scope) => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const expected = {
			code: 'configuration',
			message: expect.stringMatching(/Serve the server with createMcpHandler/),
		};
		const works = [() => codec.encode(STATE), () => codec.decode(encoded)];
		for (const work of works) {
			await expect(scope ? requesting(work, scope) : work()).rejects.toMatchObject(expected);
		}
	});

	it.each([
		[[], 'got none.'],
		[[undefined], 'got none.'],
		[[''], 'got none.'],
		[[KEY, 'too short'], 'got one of 3.'],
		[[KEY.slice(1)], 'got one of 31.'],
	])('takes no keys such as %j, and shows none', (keys, found) => {
		// Sound: a variable that is not set is undefined, whatever its type says.
		const make = (): unknown => createRequestStateCodec({ keys: keys as string[] });
		expect(make).toThrow(
			`[tmcp-sessions/http] request states need keys of at least 32 characters; ${found} Make one`,
		);
	});

	it.each([0, -1, NaN, Infinity])('takes no lifetime of %d s', (lifetimeSeconds) => {
		expect(() => createRequestStateCodec({ keys: [KEY], lifetimeSeconds })).toThrow(
			`[tmcp-sessions/http] lifetimeSeconds must be above 0; got ${lifetimeSeconds}`,
		);
	});
});
