import { InMemorySessionStore } from '@tmcp-sessions/core';
import type { SingleUse } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';
import { runSingleUseCase, singleUseCases } from '../src/suites/single-use-suite.ts';
import type { SingleUseFactory } from '../src/suites/single-use-suite.ts';

const [FIRST = '', CONCURRENT = '', REMEMBERED = '', APART = ''] = singleUseCases.map(
	({ name }) => name,
);

/** Runs all cases. Returns the names of those that fail. */
async function failures(factory: SingleUseFactory): Promise<string[]> {
	const failed: string[] = [];
	for (const each of singleUseCases) {
		await runSingleUseCase(each, factory).catch(() => failed.push(each.name));
	}
	return failed;
}

/** Creates a store in memory, with the faults of `wrong`. */
function memory(wrong: (right: SingleUse) => SingleUse = (right) => right): SingleUseFactory {
	return ({ now }) => {
		const singleUse = wrong(new InMemorySessionStore({ now }));
		return { singleUse, elsewhere: singleUse };
	};
}

describe('the suite of single-use stores', () => {
	it('passes a correct store', async () => {
		expect(await failures(memory())).toEqual([]);
	});

	it('detects claims that another isolate does not see', async () => {
		const factory: SingleUseFactory = ({ now }) => ({
			singleUse: new InMemorySessionStore({ now }),
			elsewhere: new InMemorySessionStore({ now }),
		});
		expect(await failures(factory)).toEqual([FIRST, CONCURRENT, REMEMBERED]);
	});

	it('detects a check and a write in two steps', async () => {
		const claims = new Set<string>();
		const slow: SingleUse = {
			async claim(id) {
				const isFirst = !claims.has(id);
				await Promise.resolve();
				claims.add(id);
				return isFirst;
			},
		};
		expect(await failures(memory(() => slow))).toEqual([CONCURRENT]);
	});

	it('detects claims that expire early', async () => {
		const factory: SingleUseFactory = ({ now }) => {
			const singleUse = new InMemorySessionStore({ now: () => now() + 1 });
			return { singleUse, elsewhere: singleUse };
		};
		expect(await failures(factory)).toEqual([REMEMBERED]);
	});

	it('detects claims whose expiry the last claim moves', async () => {
		const untils = new Map<string, number>();
		const factory: SingleUseFactory = ({ now }) => {
			const singleUse: SingleUse = {
				async claim(id, untilMs) {
					const isFirst = (untils.get(id) ?? 0) <= now();
					untils.set(id, untilMs);
					return isFirst;
				},
			};
			return { singleUse, elsewhere: singleUse };
		};
		expect(await failures(factory)).toEqual([REMEMBERED]);
	});

	it.each<[string, (id: string) => string]>([
		['case', (id) => id.toLowerCase()],
		['the end of a long id', (id) => id.slice(0, 127)],
		['a dot', (id) => id.replaceAll('.', '')],
	])('detects ids compared without %s', async (_, cut) => {
		const factory = memory((right) => ({
			claim: (id, untilMs) => right.claim(cut(id), untilMs),
		}));
		expect(await failures(factory)).toEqual([APART]);
	});

	it('closes everything that it opened', async () => {
		let open = 0;
		await failures(async (clock) => {
			open++;
			return { ...(await memory()(clock)), close: async () => void open-- };
		});
		expect(open).toBe(0);
	});
});
