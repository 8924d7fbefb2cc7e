import type { RequestScope } from '@tmcp-sessions/core/backend';
import { mutate, seededRandom } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { createRequestStateCodec } from '../src/request-state/codec.ts';
import type { RequestStateCodec } from '../src/request-state/codec.ts';
import { call, KEY, open, INVALID_STATE, inRequest, seal, setUp, STATE } from './request-states.ts';

const OTHER_KEY = 'another-key-of-the-tests-of-states';
/** Mutated states that are opened concurrently. */
const MUTATION_BATCH = 200;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Returns the error of opening a state, or the opened state. */
async function outcomeOf(codec: RequestStateCodec, encoded: string): Promise<unknown> {
	return open(codec, encoded).catch((error: unknown) => error);
}

function isRejection(outcome: unknown): boolean {
	return (
		outcome instanceof Error &&
		outcome.name === INVALID_STATE.name &&
		outcome.message === INVALID_STATE.message &&
		'code' in outcome &&
		outcome.code === INVALID_STATE.code
	);
}

describe('M10 sealed-request-state: a sealed request state', () => {
	it('opens for the same principal and request, sent again with input responses', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const repeated = call(
			{ inputResponses: { '0': { action: 'accept' } }, requestState: encoded, _meta: { a: 1 } },
			{ id: 'another' },
		);
		expect(await open(codec, encoded, { message: repeated })).toEqual(STATE);
	});

	it('reveals nothing of the state, and differs each time', async () => {
		const { codec } = setUp();
		const sealed = await Promise.all(Array.from({ length: 1_000 }, () => seal(codec)));
		const nonces = sealed.map((encoded) => encoded.slice(2, 18));
		expect([new Set(sealed).size, new Set(nonces).size]).toEqual([1_000, 1_000]);
		for (const encoded of sealed) {
			const bytes = Buffer.from(encoded.slice(2), 'base64url').toString('latin1');
			for (const part of ['secret', 'state', 'version', 'alice', 'transfer']) {
				expect(encoded + bytes).not.toContain(part);
			}
		}
	});

	it('is rejected with any one character changed, removed or added, and with any end cut off', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const variants = new Set<string>();
		for (let index = 0; index <= encoded.length; index++) {
			const [before, after] = [encoded.slice(0, index), encoded.slice(index)];
			variants.add(before).add(before + after.slice(1));
			for (const character of `${ALPHABET}=+/. \n\u0000é`) {
				variants.add(before + character + after.slice(1)).add(before + character + after);
			}
		}
		variants.delete(encoded);
		// One assertion for all, since an `expect` takes longer than opening a state.
		const outcomes = await Promise.all(
			[...variants].map(async (variant) => [variant, await outcomeOf(codec, variant)] as const),
		);
		expect(outcomes.filter(([, outcome]) => !isRejection(outcome))).toEqual([]);
		expect(variants.size).toBeGreaterThan(15_000);
		expect(await open(codec, encoded)).toEqual(STATE);
	}, 60_000);

	it.each(['bob', '', 'alice ', 'alic', 'Alice', undefined])(
		'of alice is rejected for the principal %j',
		async (principal) => {
			const { codec } = setUp();
			const encoded = await seal(codec);
			await expect(open(codec, encoded, { principal })).rejects.toMatchObject(INVALID_STATE);
		},
	);

	it.each<[string, object]>([
		['another tool', call({ name: 'transfer2' })],
		['another argument', call({ arguments: { to: 'eve', amount: 100, notes: [] } })],
		['an argument of another type', call({ arguments: { to: 'bob', amount: '100' } })],
		['an extra argument', call({ arguments: { to: 'bob', amount: 100, now: true } })],
		['no arguments', call({ arguments: undefined })],
		['another method', call({}, { method: 'prompts/get' })],
		['another parameter', call({ other: null })],
		['another order in a list', call({ arguments: { notes: ['c', { a: 1, b: 2 }] } })],
		['a list instead of an object', call({ arguments: [] })],
	])('is rejected in a request with %s', async (_, message) => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		await expect(open(codec, encoded, { message })).rejects.toMatchObject(INVALID_STATE);
		const own = await seal(codec, { message });
		expect(await open(codec, own, { message })).toEqual(STATE);
	});

	it.each([
		['__proto__', '{"__proto__":{"admin":false}}', '{"__proto__":{"admin":true}}'],
		['__proto__ and its absence', '{"__proto__":{}}', '{}'],
		['a list and an object with its indexes', '{"a":["b"]}', '{"a":{"0":"b"}}'],
		['null and its absence', '{"a":null}', '{}'],
		['a key that contains a separator', '{"a":1,"b":1}', '{"a\\":1,\\"b":1}'],
	])('distinguishes similar arguments: %s', async (_, one, other) => {
		const { codec } = setUp();
		const scopeWith = (args: string): { message: object } => ({
			message: call({ arguments: JSON.parse(args) }),
		});
		const encoded = await seal(codec, scopeWith(one));
		expect(await open(codec, encoded, scopeWith(one))).toEqual(STATE);
		await expect(open(codec, encoded, scopeWith(other))).rejects.toMatchObject(INVALID_STATE);
	});

	it('opens for the same request with its keys in another order', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const args = { notes: [{ b: 2, a: 1 }, 'c'], amount: 100, to: 'bob' };
		const message = { params: { arguments: args, name: 'transfer' }, method: 'tools/call', id: 7 };
		expect(await open(codec, encoded, { message })).toEqual(STATE);
	});

	it('expires after 600 s or after lifetimeSeconds, to the millisecond', async () => {
		for (const [lifetimeSeconds, lifetimeMs] of [
			[undefined, 600_000],
			[1.5, 1_500],
		] as const) {
			const { clock, codec } = setUp({ lifetimeSeconds });
			const encoded = await seal(codec);
			clock.advance(lifetimeMs - 1);
			expect(await open(codec, encoded)).toEqual(STATE);
			clock.advance(1);
			await expect(open(codec, encoded)).rejects.toMatchObject(INVALID_STATE);
		}
	});

	it('is accepted from a clock up to one minute ahead, and not from one further ahead', async () => {
		const { clock, codec } = setUp();
		const ahead = (ms: number): RequestStateCodec => setUp({ now: () => clock.now() + ms }).codec;
		expect(await open(codec, await seal(ahead(60_000)))).toEqual(STATE);
		const future = await seal(ahead(60_001));
		await expect(open(codec, future)).rejects.toMatchObject(INVALID_STATE);
	});

	it('opens after a key rotation until its own key is removed', async () => {
		const old = await seal(setUp().codec);
		const rotated = setUp({ keys: [OTHER_KEY, KEY] }).codec;
		expect(await open(rotated, old)).toEqual(STATE);
		const [fresh, newest] = [await seal(rotated), setUp({ keys: [OTHER_KEY] }).codec];
		expect(await open(newest, fresh)).toEqual(STATE);
		await expect(open(newest, old)).rejects.toMatchObject(INVALID_STATE);
		await expect(open(setUp().codec, fresh)).rejects.toMatchObject(INVALID_STATE);
		// Two keys in one variable.
		expect(await open(setUp({ keys: [`${OTHER_KEY}, ${KEY}\n`] }).codec, old)).toEqual(STATE);
	});

	it('can be opened again within its lifetime without a single-use store', async () => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		await open(codec, encoded);
		expect(await open(codec, encoded)).toEqual(STATE);
	});

	it('seals 190,000 characters, and rejects a state that tmcp would not accept', async () => {
		const { codec } = setUp();
		const large = 'é'.repeat(98_000 - 30);
		expect(await open(codec, await seal(codec, {}, large))).toBe(large);
		await expect(seal(codec, {}, `${large}${'x'.repeat(1_000)}`)).rejects.toMatchObject({
			code: 'request-state',
			message: expect.stringMatching(/must have at most 262144 characters; got 26\d{4}: keep less/),
		});
		await expect(open(codec, `1.${'A'.repeat(300_000)}`)).rejects.toMatchObject(INVALID_STATE);
	});

	it('is rejected with the same error in 20,000 mutations', async () => {
		const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
		console.log(`mutations of request states: SEED=${seed}`);
		const random = seededRandom(seed);
		const { codec } = setUp({ keys: [KEY, OTHER_KEY] });
		const states = await Promise.all(Array.from({ length: 20 }, () => seal(codec)));
		const unexpected: unknown[] = [];
		for (let opened = 0; opened < 20_000; opened += MUTATION_BATCH) {
			const batch = Array.from({ length: MUTATION_BATCH }, () => mutate(states, random));
			await Promise.all(
				batch.map(async (mutated) => {
					if (states.includes(mutated)) return;
					const outcome = await outcomeOf(codec, mutated);
					if (!isRejection(outcome)) unexpected.push([mutated, outcome]);
				}),
			);
		}
		expect(unexpected).toEqual([]);
	}, 60_000);
});

describe('createRequestStateCodec', () => {
	it.each<[string, Partial<RequestScope> | undefined]>([
		['without a scope', undefined],
		['without the message', { message: undefined }],
		['with a list of messages', { message: [call()] }],
		['with a client response', { message: { jsonrpc: '2.0', id: 1, result: {} } }],
	])('neither seals nor opens %s', async (_, scope) => {
		const { codec } = setUp();
		const encoded = await seal(codec);
		const expected = {
			code: 'configuration',
			message: expect.stringMatching(/Serve the server with createMcpHandler/),
		};
		const operations = [() => codec.encode(STATE), () => codec.decode(encoded)];
		for (const operate of operations) {
			await expect(scope ? inRequest(operate, scope) : operate()).rejects.toMatchObject(expected);
		}
	});

	it.each([
		[[], 'got none.'],
		[[undefined], 'got none.'],
		[[''], 'got none.'],
		[[KEY, 'too short'], 'got one of 3 characters, of 3 that spaces or commas separate.'],
		[[KEY.slice(1)], 'got one of 31 characters.'],
	])('rejects the keys %j without showing them', (keys, found) => {
		// Safe because this tests an unset variable, which is undefined despite its type.
		const create = (): unknown => createRequestStateCodec({ keys: keys as string[] });
		expect(create).toThrow(
			`[tmcp-sessions/http] request states need keys of at least 32 characters; ${found} Make one`,
		);
	});

	it.each([0, -1, NaN, Infinity])('rejects a lifetime of %d s', (lifetimeSeconds) => {
		expect(() => createRequestStateCodec({ keys: [KEY], lifetimeSeconds })).toThrow(
			`[tmcp-sessions/http] lifetimeSeconds must be above 0; got ${lifetimeSeconds}`,
		);
	});
});
