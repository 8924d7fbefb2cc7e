import { expect, it } from 'vitest';

import { HALF, openMutations } from './mutated-ids.ts';

it('the first 500,000 of 1,000,000 mutated ids open no session', { timeout: 240_000 }, async () => {
	const { tried, wellFormed, opened, opensUnchanged } = await openMutations();
	expect(opened).toEqual([]);
	expect(tried).toBe(HALF);
	expect(wellFormed).toBeGreaterThan(HALF / 10);
	expect(opensUnchanged).toBe(true);
});
