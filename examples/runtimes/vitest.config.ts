import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'example-runtimes',
		isolate: false,
		include: ['test/**/*.test.ts'],
		testTimeout: 30_000,
		expect: { poll: { timeout: 10_000 } },
		hookTimeout: 240_000,
	},
});
