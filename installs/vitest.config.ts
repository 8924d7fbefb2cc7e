import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: { name: 'installs', include: ['test/**/*.test.ts'] },
});
