import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: { name: 'info-sealed', include: ['test/**/*.test.ts'] },
});
