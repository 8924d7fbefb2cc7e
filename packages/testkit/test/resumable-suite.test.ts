import { describe, expect, it } from 'vitest';

import { resumableCases } from '../src/cases/resumable-cases.ts';
import { PlainManager } from './plain-resumables.ts';
import { wrongResumables } from './wrong-resumables.ts';

/** A case that waits for what never comes does not hold. It waits itself for five seconds at most. */
const LONGEST_MS = 8_000;

/** The names of the cases that do not hold for managers of this class, one for each case. */
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
		const holds = await Promise.race([
			running.then(
				() => true,
				() => false,
			),
			late,
		]);
		return holds ? [] : [each.name];
	});
	return (await Promise.all(failed)).flat();
}

// At the same time: what must not arrive is waited for.
describe.concurrent('the suite of resumable streams', { timeout: 30_000 }, () => {
	it('has a name of its own for each case', () => {
		const names = resumableCases.map(({ name }) => name);
		expect(names.length).toBe(new Set(names).size);
	});

	it('passes streams in one process', async () => {
		expect(await failures(PlainManager)).toEqual([]);
	});

	for (const { name, Manager, fails } of wrongResumables) {
		it(`finds a manager that ${name}`, async () => {
			expect(await failures(Manager)).toEqual(fails);
		});
	}
});
