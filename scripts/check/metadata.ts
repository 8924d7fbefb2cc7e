import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type WorkspacePackage, readJson, repository } from '../workspace.ts';

interface RootManifest {
	readonly homepage: string;
	readonly repository: { readonly type: string; readonly url: string };
	readonly bugs: { readonly url: string };
}

/**
 * Reports packages whose metadata for the registry is missing or differs from the root `package.json`,
 * which names the repository once.
 */
export function* metadataProblems(packages: readonly WorkspacePackage[]): Generator<string> {
	const root = readJson<RootManifest>('package.json');
	const address = root.homepage.replace(/#.*$/, '');
	for (const { path, manifest } of packages) {
		const expected = {
			homepage: `${address}/tree/main/${path}#readme`,
			repository: { ...root.repository, directory: path },
			bugs: root.bugs,
			publishConfig: { access: 'public', provenance: true },
		};
		for (const [field, value] of Object.entries(expected)) {
			const found = manifest[field as keyof typeof expected];
			if (!isDeepStrictEqual(found, value))
				yield `${path}/package.json: ${field} is ${JSON.stringify(found)}, expected ${JSON.stringify(value)}`;
		}
	}
}

/** Matches the line of README.md that names the oldest Node.js: "Node.js 22 or newer". */
const requirement = /Node\.js (\d+)(?:\.\d+)* or newer/;

/**
 * Reports packages whose `engines` differ from the version that README.md asks for, and a README that
 * asks for less than wrangler does.
 */
export function* engineProblems(packages: readonly WorkspacePackage[]): Generator<string> {
	const readme = readFileSync(join(repository, 'README.md'), 'utf8');
	const line = readme.split('\n').find((text) => requirement.test(text) && /wrangler/.test(text));
	const [, major] = requirement.exec(line ?? '') ?? [];
	if (major === undefined) {
		yield 'README.md: no line names "Node.js N or newer" for wrangler';
		return;
	}
	for (const { path, manifest } of packages) {
		const found = manifest.engines?.node;
		if (found !== `>=${major}`)
			yield `${path}/package.json: engines.node is ${JSON.stringify(found)}, expected ">=${major}" as in README.md`;
	}
	const wrangler = 'examples/worker/node_modules/wrangler/package.json';
	const needed = readJson<{ engines: { node: string } }>(wrangler).engines.node;
	const [, neededMajor] = /^>=(\d+)/.exec(needed) ?? [];
	if (neededMajor !== major)
		yield `README.md asks for Node.js ${major}, but wrangler needs ${needed}`;
}
