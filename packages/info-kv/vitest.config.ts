import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
	plugins: [
		cloudflareTest({
			main: './test/worker.ts',
			wrangler: { configPath: './test/wrangler.jsonc' },
		}),
	],
	test: {
		name: 'info-kv',
		isolate: false,
		include: ['test/**/*.test.ts'],
		testTimeout: 30_000,
		expect: { poll: { timeout: 10_000 } },
		hookTimeout: 60_000,
	},
});
