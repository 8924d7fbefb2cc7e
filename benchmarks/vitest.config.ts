import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'benchmarks',
		include: ['test/**/*.test.ts'],
		isolate: false,
		testTimeout: 120_000,
		expect: { poll: { timeout: 10_000 } },
		hookTimeout: 120_000,
	},
});
