import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ignoredConfigs } from './find-config.ts';
import type { Problem } from './problem.ts';
import type { Project } from './project.ts';
import type { WranglerConfig } from './read-config.ts';
import { readEntry } from './read-entry.ts';
import { withTomlFix } from './toml-fix.ts';
import { checkBindingsOfConfig } from './rules/bindings.ts';
import { checkClasses, checkMigrations } from './rules/classes.ts';
import { checkCompatibility } from './rules/compatibility.ts';
import { checkDeployment } from './rules/deployment.ts';
import { checkSchema } from './rules/schema.ts';
import { checkAddress, checkAllowedHosts, checkDevHost } from './rules/address.ts';
import { checkCallers } from './rules/callers.ts';
import { checkEndpoint } from './rules/endpoint.ts';
import { checkDefaultExport, checkHandlerLifetime } from './rules/handlers.ts';
import { checkKeys } from './rules/keys.ts';
import { checkManagers } from './rules/managers.ts';
import { checkOptions } from './rules/options.ts';
import { checkOptionValues } from './rules/option-values.ts';
import { checkPackages } from './rules/packages.ts';
import { checkMethodGuards } from './rules/method-guards.ts';
import { checkProjectFiles } from './rules/project-files.ts';
import { checkQueues } from './rules/queues.ts';
import { checkRequests } from './rules/requests.ts';
import { checkSecrets } from './rules/secrets.ts';
import { checkSessionClasses } from './rules/session-classes.ts';
import { checkSessionObjects } from './rules/session-objects.ts';
import { checkShape } from './rules/shape.ts';
import { checkSharedManagers } from './rules/shared-managers.ts';
import { checkStoredState } from './rules/stored-state.ts';
import { checkVariables } from './rules/variables.ts';

/** A rule: returns what is wrong with a project. */
type Rule = (project: Project) => Iterable<Problem>;

const RULES: readonly Rule[] = [
	checkSchema,
	checkDeployment,
	checkDefaultExport,
	checkHandlerLifetime,
	checkRequests,
	checkMethodGuards,
	checkEndpoint,
	checkManagers,
	checkSharedManagers,
	checkStoredState,
	checkSessionObjects,
	checkSessionClasses,
	checkCallers,
	checkOptions,
	checkOptionValues,
	checkBindingsOfConfig,
	checkClasses,
	checkMigrations,
	checkQueues,
	checkCompatibility,
	checkKeys,
	checkSecrets,
	checkVariables,
	checkAddress,
	checkAllowedHosts,
	checkDevHost,
	checkPackages,
	checkProjectFiles,
];

/** Compares the code of a Worker with its configuration. */
export async function diagnose(folder: string, config: WranglerConfig): Promise<Problem[]> {
	const problems = [
		...checkIgnoredConfigs(folder, config),
		...(await compareWithCode(folder, config)),
	];
	return config.format === 'toml'
		? problems.map((problem) => withTomlFix(problem, config))
		: problems;
}

function* checkIgnoredConfigs(folder: string, config: WranglerConfig): Generator<Problem> {
	for (const file of ignoredConfigs(folder, config)) {
		yield {
			rule: 'configuration',
			severity: 'warning',
			file,
			line: 1,
			message: `${file} is ignored: wrangler reads ${config.file}`,
			fix: `move what it has to ${config.file}, and delete it`,
		};
	}
}

async function compareWithCode(folder: string, config: WranglerConfig): Promise<Problem[]> {
	const main = config.get('main');
	if (typeof main !== 'string') {
		return [
			{
				rule: 'entry',
				severity: 'error',
				file: config.file,
				line: config.lineOf('main'),
				message: '"main" must name the entry of the Worker; found none',
				fix: 'set "main": "src/index.ts"',
			},
		];
	}
	const misshapen = [...checkShape({ config })];
	if (misshapen.some(({ severity }) => severity === 'error')) return misshapen;
	const entry = await readEntry(folder, main);
	if ('message' in entry) {
		const fix = 'correct the file, or "main" of the configuration';
		return [{ rule: 'entry', severity: 'error', ...entry.place, message: entry.message, fix }];
	}
	const project: Project = { folder, config, entry, readFile: (path) => read(join(folder, path)) };
	return [...misshapen, ...RULES.flatMap((rule) => [...rule(project)])];
}

function read(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return undefined; // It does not exist.
	}
}
