import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'cli',
		include: ['test/**/*.test.ts'],
		isolate: false,
		testTimeout: 60_000,
		expect: { poll: { timeout: 10_000 } },
		hookTimeout: 60_000,
	},
});
