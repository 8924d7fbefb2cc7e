import type { SingleUse } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';

const CASE_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
/** The longest label: ids have up to 128 characters, of which the unique part takes 36. */
const LABEL_LENGTH = 128 - 36;

/** The single-use store that a case tests, in two isolates. */
export interface SingleUseUnderTest {
	readonly singleUse: SingleUse;
	/** Over the same storage, without the memory of `singleUse`; `singleUse` itself if it has memory only. */
	readonly elsewhere: SingleUse;
	/** Releases the resources that the factory opened. */
	close?(): Promise<void>;
}

/**
 * Creates the stores for one case. Both must take the time from `clock.now`. No two cases use the same
 * ids.
 */
export type SingleUseFactory = (
	clock: ManualClock,
) => SingleUseUnderTest | Promise<SingleUseUnderTest>;

/** One requirement of every single-use store. `run` rejects if the store violates it. */
export interface SingleUseCase {
	readonly name: string;
	/** @param id returns an id that no other case uses, ending in `label`. */
	run(
		subject: SingleUseUnderTest,
		clock: ManualClock,
		id: (label: string) => string,
	): Promise<void>;
}

/** All cases of `SingleUse`. */
export const singleUseCases: readonly SingleUseCase[] = [
	{
		name: 'accepts the first claim of an id and rejects every other, in both isolates',
		async run({ singleUse, elsewhere }, clock, id) {
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(true);
			expect(await elsewhere.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
		},
	},
	{
		name: 'accepts exactly one of 40 concurrent claims of one id in two isolates',
		async run({ singleUse, elsewhere }, clock, id) {
			const claims = Array.from({ length: 40 }, (_, index) =>
				(index % 2 === 0 ? singleUse : elsewhere).claim(id(''), clock.now() + HOUR_MS),
			);
			const held = (await Promise.all(claims)).filter((each) => each);
			expect(held).toEqual([true]);
		},
	},
	{
		name: 'remembers a claim until its expiry, which another claim does not move',
		async run({ singleUse, elsewhere }, clock, id) {
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(true);
			expect(await elsewhere.claim(id(''), clock.now() + 1)).toBe(false);
			clock.advance(HOUR_MS - 1);
			// A store that prunes incrementally does it at other claims.
			for (let index = 0; index < 10; index++) {
				await singleUse.claim(id(`-${index}`), clock.now() + HOUR_MS);
			}
			expect(await elsewhere.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
		},
	},
	{
		name: 'tells ids apart by every character: case, length, `-`, `_` and `.`, up to 128',
		async run({ singleUse }, clock, id) {
			const long = 'x'.repeat(LABEL_LENGTH - 1);
			const labels = ['', '.', '..', '-', '_', 'a', 'A', '0', '00', long, `${long}a`, `${long}b`];
			for (const label of labels) {
				const isFirst = await singleUse.claim(id(label), clock.now() + HOUR_MS);
				expect(isFirst, label).toBe(true);
			}
		},
	},
];

/** Registers the contract of `SingleUse` as Vitest tests. */
export function testSingleUse(name: string, factory: SingleUseFactory): void {
	describe(`${name} as a single-use store`, () => {
		for (const each of singleUseCases) {
			it(each.name, { timeout: CASE_TIMEOUT_MS }, () => runSingleUseCase(each, factory));
		}
	});
}

/** Runs one case. Rejects with the failed assertion. */
export async function runSingleUseCase(
	{ run }: SingleUseCase,
	factory: SingleUseFactory,
): Promise<void> {
	const clock = new ManualClock();
	const unique = crypto.randomUUID();
	const subject = await factory(clock);
	try {
		await run(subject, clock, (label) => unique + label);
	} finally {
		await subject.close?.();
	}
}
