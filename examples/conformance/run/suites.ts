import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A run of an official suite. */
export interface Suite {
	readonly name: string;
	/** What starts the release of the suite that this run is of. */
	readonly program: string;
	/** Arguments for everything that belongs to the suite. */
	readonly every: readonly string[];
	/** Arguments for one scenario, run as it is run among the others. */
	only(scenario: string): readonly string[];
}

const require = createRequire(import.meta.url);
const programOf = (manifest: string): string => join(dirname(manifest), 'dist/index.js');
const first = programOf(require.resolve('@modelcontextprotocol/conformance/package.json'));
const second = programOf(require.resolve('conformance-0.2/package.json'));

/** What one scenario of the second release may take: the first one knows no limit but ours. */
const SCENARIO_TIMEOUT_MS = '20000';

function requirements(revision: string): Suite {
	const limit = ['--timeout', SCENARIO_TIMEOUT_MS];
	return {
		name: revision,
		program: second,
		every: ['--requirements', revision, ...limit],
		only: (scenario) => [
			...['--scenario', scenario, '--spec-version', revision, '--force'],
			...limit,
		],
	};
}

/** 0.1.16 with all of its scenarios, and 0.2.0-alpha.12 with what each revision requires. */
export const suites: readonly Suite[] = [
	{
		name: '0.1.16',
		program: first,
		every: ['--suite', 'all'],
		only: (scenario) => ['--scenario', scenario],
	},
	requirements('2025-11-25'),
	requirements('2026-07-28'),
];
