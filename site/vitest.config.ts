import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'site',
		include: ['test/**/*.test.ts'],
		// The first test builds the site.
		hookTimeout: 480_000,
		testTimeout: 30_000,
	},
});
