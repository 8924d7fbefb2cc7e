import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'example-from-mcp-agent',
		isolate: false,
		include: ['test/**/*.test.ts'],
		testTimeout: 60_000,
		expect: { poll: { timeout: 10_000 } },
		hookTimeout: 60_000,
	},
});
