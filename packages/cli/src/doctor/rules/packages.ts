import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { satisfies, validRange } from 'semver';

import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';

interface Manifest {
	readonly version?: string;
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly devDependencies?: Readonly<Record<string, string>>;
	readonly peerDependencies?: Readonly<Record<string, string>>;
	readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Checks that imported packages are dependencies, and that their peers have a fitting version. */
export function* checkPackages(project: Project): Generator<Problem> {
	const { entry, readFile } = project;
	const own = manifestAt(project, 'package.json');
	if (!own) return;
	const declared = { ...own.dependencies, ...own.devDependencies, ...own.peerDependencies };
	const manifestText = readFile('package.json') ?? '';
	const checked = new Set<string>();
	for (const name of entry.packages) {
		if (!(name in declared)) {
			yield {
				rule: 'packages',
				severity: 'error',
				...placeOf(new RegExp(`['"]${name}(?:/[^'"]*)?['"]`), entry.sources),
				message: `${name} is imported but is not a dependency of package.json`,
				fix: `run npm install ${name}`,
			};
			continue;
		}
		if (!name.startsWith('@tmcp-sessions/')) continue;
		const manifest = manifestAt(project, `node_modules/${name}/package.json`);
		for (const [peer, range] of Object.entries(manifest?.peerDependencies ?? {})) {
			if (checked.has(peer)) continue;
			const found = peerOf(project, name, peer)?.version;
			if (found === undefined && manifest?.peerDependenciesMeta?.[peer]?.optional === true)
				continue;
			if (found !== undefined && (validRange(range) === null || satisfies(found, range))) continue;
			checked.add(peer);
			const index = manifestText.split('\n').findIndex((line) => line.includes(`"${peer}"`));
			yield {
				rule: 'packages',
				severity: 'error',
				file: 'package.json',
				line: Math.max(1, index + 1),
				message: `${name} needs ${peer} ${range}; found ${found ?? 'none'}`,
				fix: `run npm install ${peer}@'${range}'`,
			};
		}
	}
}

/** Finds the peer of a package as Node.js does: in the folders around the package. */
function peerOf({ folder }: Project, name: string, peer: string): Manifest | undefined {
	let at = realpathSync(join(folder, 'node_modules', name));
	for (;;) {
		const manifest = parseManifest(() =>
			readFileSync(join(at, 'node_modules', peer, 'package.json'), 'utf8'),
		);
		const parent = dirname(at);
		if (manifest || parent === at) return manifest;
		at = parent;
	}
}

function manifestAt({ readFile }: Project, path: string): Manifest | undefined {
	return parseManifest(() => readFile(path) ?? '');
}

function parseManifest(read: () => string): Manifest | undefined {
	try {
		// Safe because npm writes manifests of this shape, and every field is optional.
		return JSON.parse(read()) as Manifest;
	} catch {
		return undefined; // It is missing or invalid, which npm reports itself.
	}
}
