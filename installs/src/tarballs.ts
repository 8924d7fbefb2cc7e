import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './process.ts';
import type { PublishedPackage } from './registry/publish.ts';
import { repository } from './reader-environment.ts';

interface PackedManifest {
	readonly name: string;
	readonly license?: string;
	readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Files that only the repository needs. */
const internal =
	/(?:^|\/)(?:test|tests|fixture|node_modules)\/|\.test\.|tsbuildinfo|vitest\.config|tsconfig/;

/**
 * Checks the contents of a published tarball: licence, README, changelog, the types and code of each entry
 * point with the sources that their maps name, no tests, and no version that only the workspace knows.
 *
 * @throws with one line for each problem.
 */
export async function checkTarball({ name, version, tarball }: PublishedPackage): Promise<string> {
	const options = { cwd: repository, env: process.env };
	const files = (await runCommand('tar', ['tzf', tarball], options))
		.split('\n')
		.map((file) => file.replace(/^package\//, ''));
	const read = (file: string) => runCommand('tar', ['xzOf', tarball, `package/${file}`], options);
	// Safe because npm has installed the package by this file, or does next.
	const manifest = JSON.parse(await read('package.json')) as PackedManifest;
	const problems: string[] = [];
	const required = [
		'LICENSE',
		'README.md',
		'CHANGELOG.md',
		...Object.values(manifest.exports).flatMap((entry) => [entry.types, entry.default]),
	].map((file) => file.replace(/^\.\//, ''));
	for (const file of required) {
		if (!files.includes(file)) problems.push(`${file} is missing`);
	}
	if (files.includes('LICENSE')) {
		const licence = readFileSync(join(repository, 'LICENSE'), 'utf8').trim();
		if ((await read('LICENSE')) !== licence) problems.push('LICENSE differs from the repository');
	}
	for (const file of files.filter((path) => internal.test(path))) problems.push(`has ${file}`);
	for (const file of files.filter((path) => path.endsWith('.js'))) {
		const source = file.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts');
		if (!files.includes(source))
			problems.push(`${source} is missing, which the map of ${file} names`);
	}
	const ranges = { ...manifest.dependencies, ...manifest.peerDependencies };
	for (const [dependency, range] of Object.entries(ranges)) {
		if (/^(?:workspace|catalog|link|file):/.test(range))
			problems.push(`${dependency} has the range ${range}`);
	}
	if (problems.length > 0) throw new Error(`${name}@${version}: ${problems.join('\n')}`);
	return `${files.length} files`;
}
