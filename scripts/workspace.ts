import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Absolute path of the repository. */
export const repository: string = resolve(import.meta.dirname, '..');

/** The fields of a `package.json` that the scripts read. */
export interface Manifest {
	name?: string;
	description?: string;
	license?: string;
	keywords?: string[];
	type?: string;
	sideEffects?: boolean;
	bin?: Record<string, string>;
	exports?: Record<string, Record<string, string>>;
	files?: string[];
	dependencies?: Record<string, string>;
	peerDependencies?: Record<string, string>;
	engines?: { node?: string };
	homepage?: string;
	repository?: { type?: string; url?: string; directory?: string };
	bugs?: { url?: string };
	publishConfig?: { access?: string; provenance?: boolean };
}

/** A package that is published: a folder of `packages/`. */
export interface WorkspacePackage {
	/** Name of its folder, such as `info-kv`. */
	folder: string;
	/** Path from the repository, such as `packages/info-kv`. */
	path: string;
	manifest: Manifest;
}

/** Reads a JSON file of the repository. The caller asserts its shape. */
export function readJson<Shape>(path: string): Shape {
	// Safe because the files belong to the project, and each check reports a field with another value.
	return JSON.parse(readFileSync(join(repository, path), 'utf8')) as Shape;
}

/** Returns every package of `packages/`, sorted by folder. */
export function findPackages(): WorkspacePackage[] {
	return globSync('packages/*/package.json', { cwd: repository })
		.toSorted()
		.map((path) => ({
			folder: basename(dirname(path)),
			path: dirname(path),
			manifest: readJson<Manifest>(path),
		}));
}

/** Returns paths in the folders that are type-checked but not built: tests, scripts, examples, benchmarks, clients, installs, site. */
export function globUnbuilt(pattern: string): string[] {
	return globSync(
		`{packages/*/test,scripts,examples,benchmarks,clients,installs,site}/**/${pattern}`,
		{
			cwd: repository,
			exclude: (path) => basename(path) === 'node_modules',
		},
	).toSorted();
}
