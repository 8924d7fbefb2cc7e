import { describe, expect, it } from 'vitest';

import { requestDigest } from '../src/request-state/digest.ts';

/** Returns the digest of a call whose arguments are this JSON. */
function digestOf(args: string): Promise<string | undefined> {
	return requestDigest(
		JSON.parse(`{"method":"tools/call","params":{"name":"pay","arguments":${args}}}`),
	);
}

describe('M10 sealed-request-state: the digest of a request', () => {
	it('differs for all arguments that a tool can tell apart', async () => {
		const different = [
			'1e999',
			'-1e999',
			'null',
			'0',
			'-0',
			'"Infinity"',
			'"null"',
			'"0"',
			'false',
			'""',
			'9007199254740991',
			'9007199254740992',
			'1e21',
			'"1e+21"',
			'[]',
			'{}',
			'[null]',
			'"é"',
			String.raw`"e\u0301"`,
			String.raw`"\ud800"`,
			String.raw`"\ud801"`,
			'"\ufffd"',
			'[1,[2]]',
			'[[1],2]',
			'["1,2"]',
			'["1","2"]',
			'[1,2]',
			'[12]',
		].map((value) => `{"value":${value}}`);
		different.push('{}', '{"__proto__":1}', '{"__proto__":2}', '{"a":1,"b":2}', '{"a":{"b":2}}');
		different.push(String.raw`{"a\":1,\"b":2}`, '{"value":1}', '{"Value":1}', '[]', 'null');
		const digests = await Promise.all(different.map(digestOf));
		const byDigest = Map.groupBy(different, (_, index) => digests[index]);
		expect([...byDigest.values()].filter(({ length }) => length > 1)).toEqual([]);
	});

	it('is the same for arguments that a tool cannot tell apart', async () => {
		for (const [one, other] of [
			['{"a":1,"b":[1.0,{"c":1,"d":2}]}', ' { "b" : [ 1, {"d":2,"c":1} ], "a" : 1e0 } '],
			['{"a":1,"a":2}', '{"a":2}'],
			['{"a":9007199254740993}', '{"a":9007199254740992}'],
			[String.raw`{"a":"\u0062"}`, '{"a":"b"}'],
		] as const) {
			expect(await digestOf(one), one).toBe(await digestOf(other));
		}
	});
});
