import type { SingleUse } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';

const CASE_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
/** As long as an id may be, less the part that no other case uses. */
const LABEL_LENGTH = 128 - 36;

/** What makes ids good for one use, as two isolates have it. */
export interface SingleUseUnderTest {
	readonly singleUse: SingleUse;
	/** Over the same storage, nothing of `singleUse` in memory. The same one where memory is all there is. */
	readonly elsewhere: SingleUse;
	/** Lets go of what the factory opened. */
	close?(): Promise<void>;
}

/** Opens it for one case. Both handles must take their time from `clock.now`. No two cases use the same ids. */
export type SingleUseFactory = (
	clock: ManualClock,
) => SingleUseUnderTest | Promise<SingleUseUnderTest>;

/** One thing that holds for everything that makes ids good for one use. Rejects where it does not. */
export interface SingleUseCase {
	readonly name: string;
	/** @param id makes an id that no other case uses, ending in `label`. */
	run(
		subject: SingleUseUnderTest,
		clock: ManualClock,
		id: (label: string) => string,
	): Promise<void>;
}

/** Everything that holds, by name. */
export const singleUseCases: readonly SingleUseCase[] = [
	{
		name: 'the first claim of an id holds, and every other is refused, here and elsewhere',
		async run({ singleUse, elsewhere }, clock, id) {
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(true);
			expect(await elsewhere.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
		},
	},
	{
		name: 'of 40 claims of one id at the same time, half of them elsewhere, exactly one holds',
		async run({ singleUse, elsewhere }, clock, id) {
			const claims = Array.from({ length: 40 }, (_, index) =>
				(index % 2 === 0 ? singleUse : elsewhere).claim(id(''), clock.now() + HOUR_MS),
			);
			const held = (await Promise.all(claims)).filter((each) => each);
			expect(held).toEqual([true]);
		},
	},
	{
		name: 'a claim is remembered until its time, and is not made longer or shorter by another',
		async run({ singleUse, elsewhere }, clock, id) {
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(true);
			expect(await elsewhere.claim(id(''), clock.now() + 1)).toBe(false);
			clock.advance(HOUR_MS - 1);
			// What is forgotten bit by bit is looked at while other ids come in.
			for (let index = 0; index < 10; index++) {
				await singleUse.claim(id(`-${index}`), clock.now() + HOUR_MS);
			}
			expect(await elsewhere.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
			expect(await singleUse.claim(id(''), clock.now() + HOUR_MS)).toBe(false);
		},
	},
	{
		name: 'ids are told apart by every character: case, length, `-`, `_` and `.`, up to 128',
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

/** Registers the contract of `SingleUse` as tests of vitest. */
export function testSingleUse(name: string, factory: SingleUseFactory): void {
	describe(`${name} as what makes an id good for one use`, () => {
		for (const each of singleUseCases) {
			it(each.name, { timeout: CASE_TIMEOUT_MS }, () => runSingleUseCase(each, factory));
		}
	});
}

/** Runs one case. Rejects with what does not hold. */
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
