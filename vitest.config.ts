import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		projects: ['packages/*/vitest.config.ts', '{examples/*,benchmarks}/vitest.config.ts'],
		reporters: ['default', './scripts/count-reporter.ts'],
	},
});
