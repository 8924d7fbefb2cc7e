import { defineConfig } from 'vitest/config';
import SlowFirstSequencer from './scripts/slow-first-sequencer.ts';

export default defineConfig({
	test: {
		projects: [
			'packages/*/vitest.config.ts',
			'{examples/*,benchmarks,benchmarks/soak,clients,installs,site}/vitest.config.ts',
		],
		reporters: ['default', './scripts/count-reporter.ts'],
		sequence: { sequencer: SlowFirstSequencer },
	},
});
