import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { SessionInbox } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';
import { inboxesCases, runInboxesCase } from '../src/cases/inbox-cases.ts';
import type { InboxesFactory } from '../src/cases/inbox-cases.ts';
import { wrongInboxes } from './wrong-inboxes.ts';

/** The names of the cases that do not hold for a manager of this class, one for each case. */
async function failures(
	Manager: new () => InMemoryStreamSessionManager & { evict?(): void },
): Promise<string[]> {
	const factory: InboxesFactory = () => {
		const manager = new Manager();
		return { manager, elsewhere: manager, evict: async () => manager.evict?.() };
	};
	const failed = inboxesCases.map(async (each) => {
		const holds = await runInboxesCase(each, factory).then(
			() => true,
			() => false,
		);
		return holds ? [] : [each.name];
	});
	return (await Promise.all(failed)).flat();
}

// At the same time: what must not arrive is waited for.
describe.concurrent('the suite of inboxes', () => {
	it('has a name of its own for each case', () => {
		const names = inboxesCases.map(({ name }) => name);
		expect(names.length).toBe(new Set(names).size);
	});

	it('passes inboxes in one process', async () => {
		expect(await failures(InMemoryStreamSessionManager)).toEqual([]);
	});

	it('closes what it opened, also after a case that did not hold', async () => {
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
		it(`finds a manager that ${name}`, { timeout: 20_000 }, async () => {
			expect(await failures(Manager)).toEqual(fails);
		});
	}
});
