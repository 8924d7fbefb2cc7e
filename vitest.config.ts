import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		projects: [
			'packages/*/vitest.config.ts',
			'{examples/*,benchmarks,benchmarks/soak}/vitest.config.ts',
		],
		reporters: ['default', './scripts/count-reporter.ts'],
	},
});
