import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'example-probe',
		isolate: false,
		include: ['test/**/*.test.ts'],
		testTimeout: 30_000,
		expect: { poll: { timeout: 10_000 } },
		hookTimeout: 60_000,
	},
});
