import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { SessionInbox } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';
import { inboxesCases, runInboxesCase } from '../src/cases/inbox-cases.ts';
import type { InboxesFactory } from '../src/cases/inbox-cases.ts';
import { wrongInboxes } from './wrong-inboxes.ts';

/** Runs all cases, each on a new manager of this class. Returns the names of those that fail. */
async function failures(
	Manager: new () => InMemoryStreamSessionManager & { evict?(): void },
): Promise<string[]> {
	const factory: InboxesFactory = () => {
		const manager = new Manager();
		return { manager, elsewhere: manager, evict: async () => manager.evict?.() };
	};
	const failed = inboxesCases.map(async (each) => {
		const passes = await runInboxesCase(each, factory).then(
			() => true,
			() => false,
		);
		return passes ? [] : [each.name];
	});
	return (await Promise.all(failed)).flat();
}

// Concurrent, because the cases wait for messages that must not arrive.
describe.concurrent('the suite of inboxes', () => {
	it('has a unique name for each case', () => {
		const names = inboxesCases.map(({ name }) => name);
		expect(names.length).toBe(new Set(names).size);
	});

	it('passes the in-memory inboxes', async () => {
		expect(await failures(InMemoryStreamSessionManager)).toEqual([]);
	});

	it('closes everything that it opened, even after a failed case', async () => {
		const open = new Set<object>();
		class Deaf extends InMemoryStreamSessionManager {
			override async openInbox(): Promise<SessionInbox> {
				const inbox = { close: () => void open.delete(inbox) };
				open.add(inbox);
				return inbox;
			}
		}
		expect((await failures(Deaf)).length).toBeGreaterThan(0);
		expect(open.size).toBe(0);
	}, 20_000);

	for (const { name, Manager, fails } of wrongInboxes) {
		it(`detects a manager that ${name}`, { timeout: 20_000 }, async () => {
			expect(await failures(Manager)).toEqual(fails);
		});
	}
});
