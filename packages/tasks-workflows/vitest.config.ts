import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		name: 'tasks-workflows',
		projects: [
			{
				plugins: [
					cloudflareTest({
						main: './test/fixture/contract-worker.ts',
						wrangler: { configPath: './test/fixture/wrangler.jsonc' },
					}),
				],
				test: {
					name: 'in workerd',
					include: ['test/*.test.ts'],
					isolate: false,
					testTimeout: 30_000,
					expect: { poll: { timeout: 10_000 } },
				},
			},
			// These start workerd themselves, and so run in Node.js.
			{
				test: {
					name: 'isolates',
					include: ['test/isolates/*.test.ts'],
					isolate: false,
					testTimeout: 60_000,
					expect: { poll: { timeout: 10_000 } },
					hookTimeout: 60_000,
				},
			},
		],
	},
});
