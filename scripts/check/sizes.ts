import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { CommandFailedError } from '../command.ts';
import { type WorkspacePackage, findPackages, readJson, repository } from '../workspace.ts';

const budgetsPath = 'scripts/check/size-budgets.json';

/** A dependency of tmcp: in every bundle with a server, whether a package imports it or not. */
const shared = ['uri-template-matcher'];

/** Measures an entry point in bytes: bundled and minified as ESM, gzipped, without peers and siblings. */
async function measure({ path, manifest }: WorkspacePackage, file: string): Promise<number> {
	// A command line is never part of another bundle: only its own code counts.
	const siblings = Object.keys(manifest.dependencies ?? {}).filter(
		(name) => manifest.bin !== undefined || name.startsWith('@tmcp-sessions/'),
	);
	const peers = Object.keys(manifest.peerDependencies ?? {});
	const result = await build({
		absWorkingDir: join(repository, path),
		entryPoints: [file],
		bundle: true,
		minify: true,
		format: 'esm',
		platform: 'neutral',
		target: 'es2022',
		external: [...siblings, ...peers, ...shared, 'cloudflare:*', 'node:*'],
		write: false,
		logLevel: 'silent',
	});
	return result.outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
}

/** Returns every entry point with its specifier, its package and its built file. */
function findEntryPoints(): { specifier: string; owner: WorkspacePackage; file: string }[] {
	return findPackages().flatMap((owner) =>
		Object.entries(owner.manifest.exports ?? {}).map(([subpath, conditions]) => ({
			specifier: `${owner.manifest.name ?? owner.path}${subpath.slice(1)}`,
			owner,
			file: conditions['default'] ?? '',
		})),
	);
}

/**
 * Measures the built packages against their budgets (bytes) and resolves with the table.
 *
 * @throws {CommandFailedError} with the table if an entry point exceeds its budget or has no budget.
 */
export async function checkSizes(): Promise<string> {
	const budgets = readJson<Record<string, number>>(budgetsPath);
	const rows: string[] = [`${'gzip bytes'.padEnd(44)}  actual  budget`];
	const problems: string[] = [];
	const entryPoints = findEntryPoints();
	for (const { specifier, owner, file } of entryPoints) {
		const budget = budgets[specifier];
		const actual = await measure(owner, file);
		rows.push(
			`${specifier.padEnd(44)}${String(actual).padStart(8)}${String(budget ?? 'none').padStart(8)}`,
		);
		if (budget === undefined) problems.push(`${specifier} has no budget in ${budgetsPath}`);
		else if (actual > budget)
			problems.push(`${specifier} is ${actual - budget} bytes over its budget in ${budgetsPath}`);
	}
	for (const specifier of Object.keys(budgets)) {
		if (!entryPoints.some((entryPoint) => entryPoint.specifier === specifier))
			problems.push(`${budgetsPath} has a budget for ${specifier}, which no package exports`);
	}
	if (problems.length > 0) throw new CommandFailedError([...rows, ...problems].join('\n'));
	return rows.join('\n');
}
