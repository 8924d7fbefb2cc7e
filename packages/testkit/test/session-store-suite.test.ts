import { InMemorySessionStore } from '@tmcp-sessions/core';
import type { StoredSession } from '@tmcp-sessions/core';
import type { SessionRecord, SessionStore, StoreCapabilities } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';
import { runSessionStoreCase } from '../src/cases/session-store-subject.ts';
import type { StoreFactory } from '../src/cases/session-store-subject.ts';
import { sessionStoreCases } from '../src/suites/session-store-suite.ts';
import { wrongStores } from './wrong-stores.ts';
import type { WrongStore } from './wrong-store.ts';

const HOUR_MS = 3_600_000;

const strong: StoreCapabilities = {
	consistency: 'strong',
	visibleWithinSeconds: 0,
	ttlFloorSeconds: 0,
	atomicUpdate: true,
	maxIdBytes: 1024,
};

/** Creates two stores over one memory, with the faults of `wrong`. */
function factoryOf(wrong: Omit<WrongStore, 'fails'>): StoreFactory {
	return (clock, step) => {
		const sessions = new Map<string, StoredSession>();
		const now = (): number => wrong.now?.(clock.now) ?? clock.now();
		const memory = new InMemorySessionStore({ now, sessions });
		const right: SessionStore = {
			capabilities: { ...strong, ...wrong.capabilities },
			read: (id) => memory.read(id),
			create: (id, record) => memory.create(id, record),
			update: (id, patch, ifAbsent) => memory.update(id, patch, ifAbsent),
			delete: (id, untilMs) => memory.delete(id, untilMs),
			subscribe: (id, uri, untilMs) => memory.subscribe(id, uri, untilMs),
			unsubscribe: (id, uri) => memory.unsubscribe(id, uri),
			subscribers: (uri) => memory.subscribers(uri),
		};
		const overwrite = (id: string, record: SessionRecord): void =>
			void sessions.set(id, { text: JSON.stringify(record), forgetAtMs: record.expiresAtMs });
		const store = { ...right, ...wrong.methods?.(right, { step, overwrite }) };
		return {
			store,
			elsewhere: { ...store, ...wrong.elsewhere?.(store, clock.now) },
			async corrupt(id, text) {
				sessions.set(id, { text, forgetAtMs: clock.now() + HOUR_MS });
			},
			async forgottenAfterSeconds(id) {
				const held = sessions.get(id);
				if (!held) return undefined;
				return wrong.keepsForever ? Infinity : (held.forgetAtMs - clock.now()) / 1000;
			},
		};
	};
}

/** Runs all cases. Returns the names of those that fail. */
async function failures(factory: StoreFactory, expected: StoreCapabilities): Promise<string[]> {
	const failed: string[] = [];
	for (const each of sessionStoreCases) {
		await runSessionStoreCase(each, factory, expected).catch(() => failed.push(each.name));
	}
	return failed;
}

describe('the suite of session stores', () => {
	it('has a unique name for each case', () => {
		const names = sessionStoreCases.map(({ name }) => name);
		expect(names.length).toBe(new Set(names).size);
	});

	it('passes a strongly consistent store', async () => {
		expect(await failures(factoryOf({ name: 'right' }), strong)).toEqual([]);
	});

	it('closes everything that it opened, even after a failed case', async () => {
		let open = 0;
		const factory: StoreFactory = async (clock, step) => {
			open++;
			const subject = await factoryOf({
				name: 'dropping',
				methods: () => ({ create: async () => {} }),
			})(clock, step);
			return {
				...subject,
				async close() {
					open--;
				},
			};
		};
		expect((await failures(factory, strong)).length).toBeGreaterThan(0);
		expect(open).toBe(0);
	});

	for (const { fails, ...wrong } of wrongStores) {
		it(
			fails.length === 0
				? `passes a store that ${wrong.name}`
				: `detects a store that ${wrong.name}`,
			async () => {
				const expected = { ...strong, ...wrong.capabilities, ...wrong.expected };
				expect(await failures(factoryOf(wrong), expected)).toEqual(fails);
			},
		);
	}
});
