import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'state',
		include: ['test/**/*.test.ts'],
		isolate: false,
		testTimeout: 30_000,
		hookTimeout: 60_000,
	},
});
