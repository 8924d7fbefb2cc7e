import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { sdkBaseline } from './sdk-baseline.ts';

it('the baseline of the official SDK names existing tests', () => {
	const sources = globSync('*.test.ts', { cwd: import.meta.dirname })
		.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
		.join('\n');
	for (const title of Object.keys(sdkBaseline)) expect(sources).toContain(`'${title}'`);
});
