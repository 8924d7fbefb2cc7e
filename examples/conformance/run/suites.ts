import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A run of an official suite. */
export interface Suite {
	readonly name: string;
	/** The program of the suite's release. */
	readonly program: string;
	/** Arguments that run the whole suite. */
	readonly allOptions: readonly string[];
	/** Arguments that run one scenario as the whole suite would. */
	scenarioOptions(scenario: string): readonly string[];
}

const require = createRequire(import.meta.url);
const programOf = (manifest: string): string => join(dirname(manifest), 'dist/index.js');
const release016 = programOf(require.resolve('@modelcontextprotocol/conformance/package.json'));
const release020 = programOf(require.resolve('conformance-0.2/package.json'));

/** Time limit of a scenario in 0.2.0; 0.1.16 has no such option. */
const SCENARIO_TIMEOUT_MS = '20000';

function requirements(revision: string): Suite {
	const limit = ['--timeout', SCENARIO_TIMEOUT_MS];
	return {
		name: revision,
		program: release020,
		allOptions: ['--requirements', revision, ...limit],
		scenarioOptions: (scenario) => [
			'--scenario',
			scenario,
			'--spec-version',
			revision,
			'--force',
			...limit,
		],
	};
}

/** All scenarios of 0.1.16, and the requirements of each revision in 0.2.0-alpha.12. */
export const suites: readonly Suite[] = [
	{
		name: '0.1.16',
		program: release016,
		allOptions: ['--suite', 'all'],
		scenarioOptions: (scenario) => ['--scenario', scenario],
	},
	requirements('2025-11-25'),
	requirements('2026-07-28'),
];
