import type { SessionStore } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';
import { HOUR_MS } from './session-store-subject.ts';
import type { SessionStoreCase, SessionStoreSubject } from './session-store-subject.ts';

const INVALID = { name: 'InvalidSessionIdError', code: 'invalid-session-id' };

/** Endings of ids that a backend may truncate, unescape, normalize or treat as a pattern. */
const ENDINGS = [
	'',
	':',
	':b',
	'/',
	'/b',
	'#x',
	'?x',
	'&x',
	'+',
	' ',
	'%',
	'%20',
	'%3Ab',
	'.',
	'..',
	'/..',
	'/../a',
	'*',
	'[a]',
	'\\',
	'"',
	"'",
	';',
	'\u0000',
	'\n',
	'B',
	'b',
	'é',
	'e\u0301',
	'日本',
	'🚀',
	'\ufffd',
];

/** Values that are not strings, or strings that cannot be session ids. */
const INVALID_IDS: readonly unknown[] = [
	'',
	undefined,
	null,
	0,
	7,
	true,
	{},
	[],
	['a'],
	Symbol('a'),
	'\ud800',
	'a\udc00b',
];

/** Lists every method that takes an id, with a function that calls it with this one. */
function operationsWith(
	{ store, clock, uri, record }: SessionStoreSubject,
	id: string,
): [keyof SessionStore, () => Promise<unknown>][] {
	return [
		['create', () => store.create(id, record())],
		['read', () => store.read(id)],
		['update', () => store.update(id, { logLevel: 'info' })],
		['subscribe', () => store.subscribe(id, uri('a'), clock.now() + HOUR_MS)],
		['unsubscribe', () => store.unsubscribe(id, uri('a'))],
		['delete', () => store.delete(id)],
	];
}

/** Cases of hostile ids: a store keeps them apart or rejects them. */
export const identifierCases: readonly SessionStoreCase[] = [
	{
		name: 'tells apart ids that differ in one character, whatever the character',
		async run({ store, clock, id, uri, record }) {
			const records = ENDINGS.map((_, index) =>
				record({ clientInfo: { name: `client ${index}`, version: '1.0.0' } }),
			);
			for (const [index, each] of records.entries()) {
				await store.create(id(ENDINGS[index] ?? ''), each);
				await store.subscribe(id(ENDINGS[index] ?? ''), uri('a'), clock.now() + HOUR_MS);
			}
			for (const [index, ending] of ENDINGS.entries()) {
				expect(await store.read(id(ending)), ending).toEqual(records[index]);
			}
			expect(new Set(await store.subscribers(uri('a')))).toEqual(new Set(ENDINGS.map(id)));
			for (const [index, ending] of ENDINGS.entries()) {
				expect(await store.read(id(ending)), ending).toEqual(records[index]);
				await store.delete(id(ending));
				expect(await store.read(id(ending)), ending).toBeUndefined();
			}
			expect(await store.subscribers(uri('a'))).toEqual([]);
		},
	},
	{
		name: 'rejects an invalid id with InvalidSessionIdError in every method',
		async run(subject) {
			for (const invalid of INVALID_IDS) {
				const shown = typeof invalid === 'symbol' ? 'a symbol' : JSON.stringify(invalid);
				// Unsafe on purpose: JavaScript callers can pass any value.
				for (const [method, operate] of operationsWith(subject, invalid as string)) {
					await expect(operate(), `${method}(${shown})`).rejects.toMatchObject(INVALID);
				}
			}
			expect(await subject.store.subscribers(subject.uri('a'))).toEqual([]);
		},
	},
	{
		name: 'accepts an id of exactly maxIdBytes in every method',
		async run(subject) {
			const { store, uri, expected } = subject;
			for (const id of idsOfBytes(subject, expected.maxIdBytes)) {
				for (const [method, operate] of operationsWith(subject, id)) {
					await operate();
					if (method === 'create') expect(await store.read(id)).toBeDefined();
					if (method === 'update') expect(await store.read(id)).toMatchObject({ logLevel: 'info' });
					if (method === 'subscribe') expect(await store.subscribers(uri('a'))).toEqual([id]);
					if (method === 'unsubscribe') expect(await store.subscribers(uri('a'))).toEqual([]);
					if (method === 'delete') expect(await store.read(id)).toBeUndefined();
				}
			}
		},
	},
	{
		name: 'tells the longest ids apart by their last character',
		async run(subject) {
			const { store, expected, record } = subject;
			const [a = ''] = idsOfBytes(subject, expected.maxIdBytes);
			const b = `${a.slice(0, -1)}z`;
			await store.create(a, record({ logLevel: 'info' }));
			await store.create(b, record({ logLevel: 'error' }));
			expect(await store.read(a)).toMatchObject({ logLevel: 'info' });
			expect(await store.read(b)).toMatchObject({ logLevel: 'error' });
		},
	},
	{
		name: 'rejects an id of maxIdBytes + 1 in every method, without showing it',
		async run(subject) {
			for (const id of idsOfBytes(subject, subject.expected.maxIdBytes + 1)) {
				for (const [method, operate] of operationsWith(subject, id)) {
					const rejection: unknown = await operate().catch((error: unknown) => error);
					expect(rejection, method).toMatchObject(INVALID);
					expect(String(rejection)).not.toContain(id.slice(0, 20));
				}
			}
			expect(await subject.store.subscribers(subject.uri('a'))).toEqual([]);
		},
	},
];

/** Returns ids of exactly `bytes` bytes after URI encoding: plain, escaped and beyond ASCII. */
function idsOfBytes({ id }: SessionStoreSubject, bytes: number): string[] {
	return ['a', ':', 'é', '🚀'].map((character) => {
		const room = bytes - encodeURIComponent(id('')).length;
		const width = encodeURIComponent(character).length;
		return id(character.repeat(Math.floor(room / width)) + 'a'.repeat(room % width));
	});
}
