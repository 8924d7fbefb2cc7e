import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: { name: 'info-upstash', include: ['test/**/*.test.ts'] },
});
