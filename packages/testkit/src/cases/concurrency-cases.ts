import type { SessionStore } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';

import { seededRandom } from '../random/mutations.ts';
import { everyOrder } from './interleavings.ts';
import type { Choose } from './interleavings.ts';
import { HOUR_MS } from './session-store-subject.ts';
import type { SessionStoreCase, SessionStoreSubject } from './session-store-subject.ts';

type Operation = (
	store: SessionStore,
	session: string,
	subject: SessionStoreSubject,
) => Promise<unknown>;

const end: Operation = (store, session, { clock }) =>
	store.delete(session, clock.now() + 3 * HOUR_MS);

/** Ends a session by a mark in its record, as `info-sealed` does. */
const mark: Operation = (store, session, { clock, record }) => {
	const expiresAtMs = clock.now() + 3 * HOUR_MS;
	return store.update(session, { expiresAtMs, hasEnded: true }, record({ hasEnded: true }));
};

const create: Operation = (store, session, { record }) => store.create(session, record());
const setLevel: Operation = (store, session) => store.update(session, { logLevel: 'debug' });
const setLevelOrCreate: Operation = (store, session, { record }) =>
	store.update(session, { logLevel: 'debug' }, record({ logLevel: 'debug' }));
const extend: Operation = (store, session, { clock }) =>
	store.update(session, { expiresAtMs: clock.now() + 2 * HOUR_MS });
const subscribe: Operation = (store, session, { clock, uri }) =>
	store.subscribe(session, uri('a'), clock.now() + HOUR_MS);
const read: Operation = (store, session) => store.read(session);

const others: readonly Operation[] = [
	create,
	setLevel,
	setLevelOrCreate,
	extend,
	subscribe,
	read,
	end,
];
/** The operations that may store a session that the store does not know. */
const creating: readonly Operation[] = [create, setLevelOrCreate, read];

const RANDOM_ORDERS = 60;

/** Cases of operations that run concurrently with the end of their session. */
export const concurrencyCases: readonly SessionStoreCase[] = [
	{
		name: 'keeps a session ended in every order of its end and one other operation',
		run: (subject) => everyPair(subject, end, others, expectEnded),
	},
	{
		name: `keeps a session ended in ${RANDOM_ORDERS} orders of its end and two other operations`,
		async run(subject) {
			const random = seededRandom(1);
			const below: Choose = (count) => Math.floor(random() * count);
			for (let order = 0; order < RANDOM_ORDERS; order++) {
				const session = subject.id(`-${order}`);
				if (below(3) > 0) await create(subject.store, session, subject);
				const operations = [end, others[below(others.length)], others[below(others.length)]];
				const running = operations.map((operation = read) => {
					const store = below(2) > 0 ? otherIsolate(subject) : subject.store;
					return () => operation(store, session, subject);
				});
				await subject.interleavings.run(running, below);
				await expectEnded(subject, session);
			}
		},
	},
	{
		name: 'keeps the mark hasEnded in every order of the write of it and one other',
		run: (subject) =>
			everyPair(
				subject,
				mark,
				[create, setLevel, setLevelOrCreate, extend, read, mark],
				expectMarked,
			),
	},
];

/** Runs `first` with each of the others in every order, in one isolate and in two. */
async function everyPair(
	subject: SessionStoreSubject,
	first: Operation,
	seconds: readonly Operation[],
	check: (subject: SessionStoreSubject, session: string) => Promise<void>,
): Promise<void> {
	const { id, interleavings, store } = subject;
	let count = 0;
	for (const other of new Set([store, otherIsolate(subject)])) {
		for (const second of seconds) {
			for (const isKnown of creating.includes(second) ? [true, false] : [true]) {
				await everyOrder(async (choose) => {
					const session = id(`-${count++}`);
					if (isKnown) await create(store, session, subject);
					await interleavings.run(
						[() => first(store, session, subject), () => second(other, session, subject)],
						choose,
					);
					await check(subject, session);
				});
			}
		}
	}
}

/** An isolate that shares no storage cannot end a session of another. */
function otherIsolate({ elsewhere, expected, store }: SessionStoreSubject): SessionStore {
	return expected.consistency === 'isolate' ? store : elsewhere;
}

async function expectEnded(subject: SessionStoreSubject, session: string): Promise<void> {
	const { clock, store } = subject;
	const isolates = [store, otherIsolate(subject)];
	waitUntilEnded(subject);
	for (const isolate of isolates) expect(await isolate.read(session)).toBeUndefined();
	expect(await setLevel(store, session, subject)).toBe(false);
	clock.advance(HOUR_MS / 2);
	for (const isolate of isolates) expect(await isolate.read(session)).toBeUndefined();
}

async function expectMarked(subject: SessionStoreSubject, session: string): Promise<void> {
	waitUntilEnded(subject);
	for (const isolate of [subject.store, otherIsolate(subject)]) {
		expect(await isolate.read(session)).toMatchObject({ hasEnded: true });
	}
	expect(await setLevelOrCreate(subject.store, session, subject)).toBe(false);
}

function waitUntilEnded({ clock, expected }: SessionStoreSubject): void {
	const { consistency, visibleWithinSeconds } = expected;
	if (consistency === 'eventual') clock.advance(2 * visibleWithinSeconds * 1_000);
}
