import { describe, expect, it } from 'vitest';

import { resumableCases } from '../src/cases/resumable-cases.ts';
import { PlainManager } from './plain-resumables.ts';
import { wrongResumables } from './wrong-resumables.ts';

/** A case that has not settled by then fails. Cases themselves wait for five seconds at most. */
const LONGEST_MS = 8_000;

/** Runs all cases, each on a new manager of this class. Returns the names of those that fail. */
async function failures(Manager: new () => PlainManager): Promise<string[]> {
	const failed = resumableCases.map(async (each) => {
		const manager = new Manager();
		const unique = crypto.randomUUID();
		const late = new Promise<false>((resolve) => setTimeout(resolve, LONGEST_MS, false));
		const running = each.run({
			manager,
			elsewhere: manager,
			impatient: manager,
			evict: async () => {},
			errors: manager.errors,
			manyMessages: 100,
			id: (label) => `${unique}${label}`,
		});
		const passes = await Promise.race([
			running.then(
				() => true,
				() => false,
			),
			late,
		]);
		return passes ? [] : [each.name];
	});
	return (await Promise.all(failed)).flat();
}

// Concurrent, because the cases wait for messages that must not arrive.
describe.concurrent('the suite of resumable streams', { timeout: 30_000 }, () => {
	it('has a unique name for each case', () => {
		const names = resumableCases.map(({ name }) => name);
		expect(names.length).toBe(new Set(names).size);
	});

	it('passes the in-memory streams', async () => {
		expect(await failures(PlainManager)).toEqual([]);
	});

	for (const { name, Manager, fails } of wrongResumables) {
		it(`detects a manager that ${name}`, async () => {
			expect(await failures(Manager)).toEqual(fails);
		});
	}
});
