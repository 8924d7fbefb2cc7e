import { describe, expect, it } from 'vitest';

import { resumableCases } from '../src/cases/resumable-cases.ts';
import type { ResumableCase } from '../src/cases/resumable-subject.ts';
import { PlainManager } from './plain-resumables.ts';
import { wrongResumables } from './wrong-resumables.ts';

/** A case that has not settled by then fails. Cases themselves wait for five seconds at most. */
const LONGEST_MS = 8_000;

/** Runs a case on a new manager of this class. Returns whether it passes. */
async function passes(each: ResumableCase, Manager: new () => PlainManager): Promise<boolean> {
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
	return Promise.race([
		running.then(
			() => true,
			() => false,
		),
		late,
	]);
}

/** Runs all cases at the same time. Returns the names of those that fail. */
async function failures(Manager: new () => PlainManager): Promise<string[]> {
	const failed = resumableCases.map(async (each) =>
		(await passes(each, Manager)) ? [] : [each.name],
	);
	return (await Promise.all(failed)).flat();
}

/** Runs all cases one after another. Returns the names of those that fail. */
async function failuresInTurn(Manager: new () => PlainManager): Promise<string[]> {
	const failed: string[] = [];
	for (const each of resumableCases) {
		if (!(await passes(each, Manager))) failed.push(each.name);
	}
	return failed;
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

	for (const { name, Manager, runsAlone = false, fails } of wrongResumables) {
		it(`detects a manager that ${name}`, { concurrent: !runsAlone }, async () => {
			const found = runsAlone ? failuresInTurn(Manager) : failures(Manager);
			expect(await found).toEqual(fails);
		});
	}
});
