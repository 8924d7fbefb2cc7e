import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { intersects, satisfies, validRange } from 'semver';

import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { nearest } from '../nearest.ts';
import { placeOf } from '../read-entry.ts';
import type { Entry, Place } from '../read-entry.ts';

const FAMILY = '@tmcp-sessions/';
const UPSTREAM = '@tmcp/session-manager-durable-objects';
/** The oldest major version of wrangler that is supported. */
const WRANGLER = '4';

/** The packages of this family, without their scope. */
export const PACKAGES: readonly string[] = [
	'cli',
	'core',
	'http',
	'info-deno-kv',
	'info-durable-object',
	'info-kv',
	'info-redis',
	'info-sealed',
	'info-upstash',
	'otel',
	'redis',
	'sdk',
	'session-object',
	'state',
	'streams-durable-object',
	'streams-redis',
	'tasks',
	'tasks-durable-object',
	'tasks-queue',
	'tasks-redis',
	'tasks-workflows',
	'testkit',
];

interface Manifest {
	readonly version?: string;
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly devDependencies?: Readonly<Record<string, string>>;
	readonly peerDependencies?: Readonly<Record<string, string>>;
	readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Checks that imported packages exist and are dependencies, and that their peers have a fitting version. */
export function* checkPackages(project: Project): Generator<Problem> {
	const { entry, readFile } = project;
	const own = manifestAt(project, 'package.json');
	if (!own) return;
	const declared = { ...own.dependencies, ...own.devDependencies, ...own.peerDependencies };
	const manifestText = readFile('package.json') ?? '';
	const checked = new Set<string>();
	yield* checkWrangler(project, manifestText, declared['wrangler']);
	for (const name of entry.packages) {
		const problem = checkName(name, entry, name in declared);
		if (problem) yield problem;
		else if (name.startsWith(FAMILY)) yield* checkPeers(project, name, manifestText, checked);
	}
}

function checkName(name: string, entry: Entry, isDeclared: boolean): Problem | undefined {
	const problem = (message: string, fix: string): Problem => ({
		rule: 'packages',
		severity: 'error',
		...placeOf(new RegExp(`['"]${name}(?:/[^'"]*)?['"]`), entry.sources),
		message,
		fix,
	});
	const meant = meantPackage(name);
	if (meant !== undefined) {
		return problem(
			`there is no package ${name} of tmcp-sessions`,
			`import from '${meant}', and run npm install ${meant}`,
		);
	}
	if (name === UPSTREAM && entry.packages.some((each) => each.startsWith(FAMILY))) {
		return problem(
			`the managers of ${name} do not work with the handler of tmcp-sessions`,
			`import the classes of the same names from '${FAMILY}info-kv' and '${FAMILY}streams-durable-object'`,
		);
	}
	return isDeclared
		? undefined
		: problem(
				`${name} is imported but is not a dependency of package.json`,
				`run npm install ${name}`,
			);
}

/** @param checked the peers that other packages share: each is reported once. */
function* checkPeers(
	project: Project,
	name: string,
	manifestText: string,
	checked: Set<string>,
): Generator<Problem> {
	const manifest = manifestAt(project, `node_modules/${name}/package.json`);
	for (const [peer, range] of Object.entries(manifest?.peerDependencies ?? {})) {
		if (checked.has(peer)) continue;
		const declared = declaredRange(project, peer);
		if (declared !== undefined && validRange(range) !== null && !intersects(declared, range)) {
			checked.add(peer);
			yield {
				rule: 'packages',
				severity: 'error',
				...placeInManifest(manifestText, peer),
				message: `${name} needs ${peer} ${range}; package.json has ${declared}`,
				fix: `run npm install ${peer}@'${range}'`,
			};
			continue;
		}
		const found = peerOf(project, name, peer)?.version;
		if (found === undefined && manifest?.peerDependenciesMeta?.[peer]?.optional === true) continue;
		const isFitting =
			found !== undefined && (validRange(range) === null || satisfies(found, range));
		const own = manifestAt(project, `node_modules/${peer}/package.json`)?.version;
		if (isFitting && (own === undefined || own === found)) continue;
		checked.add(peer);
		yield {
			rule: 'packages',
			severity: 'error',
			...placeInManifest(manifestText, peer),
			message: isFitting
				? `${peer} is installed twice: ${own} for this project, ${found} for ${name}`
				: `${name} needs ${peer} ${range}; found ${found ?? 'none'}`,
			fix: isFitting
				? `run npm install ${peer}@${found}, and look at npm ls ${peer}`
				: `run npm install ${peer}@'${range}'`,
		};
	}
}

/** Returns the range of a dependency in package.json, if it is one. */
function declaredRange(project: Project, name: string): string | undefined {
	const { dependencies, devDependencies } = manifestAt(project, 'package.json') ?? {};
	const range = dependencies?.[name] ?? devDependencies?.[name];
	return range !== undefined && validRange(range) !== null ? range : undefined;
}

/** Checks that wrangler is of the major version that the configuration is written for. */
function* checkWrangler(
	project: Project,
	manifestText: string,
	range: string | undefined,
): Generator<Problem> {
	const installed = manifestAt(project, 'node_modules/wrangler/package.json')?.version;
	const supported = `>=${WRANGLER}`;
	// The next installation follows package.json.
	const isOldRange =
		range !== undefined && validRange(range) !== null && !intersects(range, supported);
	const isOld = installed !== undefined && !satisfies(installed, supported);
	if (!isOldRange && !isOld) return;
	const found = isOldRange ? range : installed;
	yield {
		rule: 'packages',
		severity: 'error',
		...placeInManifest(manifestText, 'wrangler'),
		message: `wrangler ${found} is older than ${WRANGLER}, the oldest version that is supported`,
		fix: `run npm install --save-dev wrangler@${WRANGLER}`,
	};
}

function placeInManifest(text: string, name: string): Place {
	const index = text.split('\n').findIndex((line) => line.includes(`"${name}"`));
	return { file: 'package.json', line: Math.max(1, index + 1) };
}

/** Returns the package of this family that a name was meant for, or `undefined` if the name is right. */
function meantPackage(name: string): string | undefined {
	const parts = /^@?tmcp-?sessions?[-/](.+)$/i.exec(name);
	if (!parts) return undefined;
	const short = parts[1] ?? '';
	if (name.startsWith(FAMILY) && PACKAGES.includes(short)) return undefined;
	const swapped = short.split('-').toReversed().join('-');
	const found =
		[short, swapped].find((each) => PACKAGES.includes(each)) ?? nearest(short, PACKAGES);
	const ofWord = PACKAGES.find((each) => each.split('-').includes(short));
	return `${FAMILY}${found ?? ofWord ?? 'http'}`;
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
		return undefined; // It is missing: `checkManifest` reports that it is invalid.
	}
}
