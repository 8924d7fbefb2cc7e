import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
	plugins: [
		cloudflareTest({
			main: './test/fixture/worker.ts',
			wrangler: { configPath: './test/fixture/wrangler.jsonc' },
		}),
	],
	test: { name: 'streams-durable-object', include: ['test/**/*.test.ts'] },
});
