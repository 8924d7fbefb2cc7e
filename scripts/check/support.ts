import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailedError, describeFailure } from '../command.ts';
import { findPackages, readJson, repository } from '../workspace.ts';

const documentPath = 'docs/support.md';
/** Written by `npm run installs:create -- --record`. */
const createdPath = 'installs/create-results.json';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Returns the only match of a pattern in a file. Throws if the file has changed its form. */
function matchOf(path: string, pattern: RegExp): string {
	const [, found] = pattern.exec(read(path)) ?? [];
	if (found === undefined) throw new CommandFailedError(`${path} must match ${pattern.source}`);
	return found;
}

/** Returns the version of a package in the catalog, which is the installed one. */
function installed(name: string): string {
	const escaped = name.replaceAll('/', String.raw`\/`);
	return matchOf('pnpm-workspace.yaml', new RegExp(`^  '?${escaped}'?: ([\\d.]\\S*)$`, 'm'));
}

/** Returns the texts in quotes of a match. */
function quoted(path: string, pattern: RegExp): string[] {
	return [...matchOf(path, pattern).matchAll(/'([^']+)'/g)].map(([, text = '']) => text);
}

/** Returns the values that the published packages have for a field, in a cell. */
function published(valueOf: (manifest: Manifest) => string | undefined): string {
	const packages = findPackages().filter(({ folder }) => folder !== 'testkit');
	const values = packages.flatMap(
		// Safe because the manifests of packages have these fields, or none.
		({ manifest }) => valueOf(manifest as Manifest) ?? [],
	);
	return [...new Set(values)].map((value) => `\`${value}\``).join(', ');
}

interface Manifest {
	name?: string;
	dependencies?: Record<string, string>;
	engines?: { node?: string };
	peerDependencies?: Record<string, string>;
}

const isCommandLine = (name: string | undefined): boolean =>
	name === '@tmcp-sessions/cli' || name === 'create-tmcp-sessions';

interface CreatedServer {
	passed: boolean;
	commands: number;
	seconds: number;
}

/** Returns the servers that were created, by version of Node.js. Throws if one did not pass. */
function created(): Map<string, [server: string, result: CreatedServer][]> {
	const results = readJson<Record<string, Record<string, CreatedServer>>>(createdPath);
	const versions = new Map(
		Object.entries(results).map(([version, servers]) => [version, Object.entries(servers)]),
	);
	for (const [version, servers] of versions) {
		const failed = servers.filter(([, { passed }]) => !passed).map(([server]) => server);
		if (failed.length > 0)
			throw new CommandFailedError(
				`${createdPath} has servers that failed on Node.js ${version}: ${failed.join(', ')}; mend them, and run: npm run installs:create -- --node ${version} --record`,
			);
	}
	return versions;
}

const peer = (name: string): string =>
	published(
		({ dependencies, peerDependencies }) => peerDependencies?.[name] ?? dependencies?.[name],
	);

/** Returns the compatibility dates of all configurations, and of the Workers that tests start. */
function compatibilityDates(): string[] {
	const paths = globSync('{packages,examples,clients}/**/wrangler.jsonc', {
		cwd: repository,
		exclude: (path) => path.includes('node_modules'),
	});
	const dates = paths.map((path) => matchOf(path, /"compatibility_date": "([\d-]+)"/));
	const options = 'packages/testkit/src/workerd/miniflare-options.ts';
	return [...new Set([...dates, matchOf(options, /compatibilityDate \?\? '([\d-]+)'/)])].toSorted();
}

const runtimes = '[runtimes](../examples/runtimes/test/runtimes.test.ts)';
const everyTest = 'every test';

/** The row of the command line, with the releases of Node.js on which its servers were created. */
function commandLineRow(): string[] {
	const engines = published((manifest) =>
		isCommandLine(manifest.name) ? manifest.engines?.node : undefined,
	);
	const versions = new Set([installed('node'), ...created().keys()]);
	return [
		'`@tmcp-sessions/cli`, `create-tmcp-sessions`',
		`Node.js ${engines}`,
		`Node.js ${[...versions].join(', ')}`,
		'[cli](../packages/cli/test), [create](../packages/create-tmcp-sessions/test), [every server](#servers-that-npm-create-writes)',
	];
}

/** The rows of the table: what, what is supported, what is tested, and by which tests. */
function rows(): string[][] {
	const served = quoted(
		'examples/runtimes/test/server-process.ts',
		/export type Runtime = ([^;]+);/,
	);
	const releases = quoted(
		'packages/testkit/src/workerd/workerd-binary.ts',
		/workerdVersions = \[([^\]]+)\]/,
	).filter((release) => release !== 'current');
	const dates = compatibilityDates();
	const unproven = ['node', 'deno', 'bun', 'edge'].filter((runtime) => !served.includes(runtime));
	if (unproven.length > 0) throw new CommandFailedError(`no test runs on ${unproven.join(', ')}`);
	const dependency = (name: string, tests: string): string[] => [
		`\`${name}\``,
		peer(name),
		installed(name),
		tests,
	];
	return [
		[
			'Cloudflare Workers',
			`compatibility date ${dates[0]} or later, \`nodejs_compat\``,
			`workerd ${installed('workerd')} and ${releases.join(', ')}, compatibility date ${dates.join(', ')}`,
			'every test of a package; on Cloudflare itself: [last run](guarantees.md)',
		],
		['Node.js', published(({ engines }) => engines?.node), installed('node'), runtimes],
		commandLineRow(),
		['Deno', '2', installed('deno'), runtimes],
		['Bun', '1', installed('bun'), runtimes],
		["Vercel's edge runtime", 'current', `\`edge-runtime\` ${installed('edge-runtime')}`, runtimes],
		['`wrangler`', '4', installed('wrangler'), '[clients](../clients/test/cloudflare.test.ts)'],
		dependency('tmcp', everyTest),
		dependency('@tmcp/transport-http', everyTest),
		dependency('@tmcp/transport-sse', '[legacy SSE](../packages/http/test/legacy-sse)'),
		dependency('@tmcp/session-manager', everyTest),
		dependency('@cloudflare/workers-types', 'the check `types`'),
		dependency('@upstash/redis', '[info-upstash](../packages/info-upstash/test)'),
		dependency('@redis/client', '[redis](../packages/redis/test)'),
		dependency('@upstash/qstash', '[tasks-redis](../packages/tasks-redis/test)'),
		dependency('bullmq', '[tasks-redis](../packages/tasks-redis/test)'),
		dependency('@opentelemetry/api', '[otel](../packages/otel/test)'),
		dependency('@deno/kv', '[info-deno-kv](../packages/info-deno-kv/test)'),
		['TypeScript', '', installed('typescript'), 'the checks `types` and `snippets`'],
		revisionsRow(),
	];
}

function revisionsRow(): string[] {
	return [
		'MCP revisions',
		acceptedRevisions().join(', '),
		`${spokenRevisions().join(', ')} by published clients, all by tests`,
		'[guarantees](guarantees.md), [clients](clients.md)',
	];
}

/** Returns the revisions that the handler accepts: those of its code, and the stateless one of its requirements. */
function acceptedRevisions(): string[] {
	const sessionBased = quoted(
		'packages/http/src/validation/headers.ts',
		/SESSION_BASED: ReadonlySet<string> = new Set\(\[([^\]]+)\]/,
	);
	const requirements = readJson<Record<string, { source: string }>>(
		'packages/http/test/requirements/manifest.json',
	);
	const sections = Object.values(requirements).map(
		({ source }) => /specification\/(\d{4}-\d\d-\d\d)\//.exec(source)?.[1] ?? '',
	);
	return [...new Set([sections.toSorted().at(-1) ?? '', ...sessionBased])];
}

/** Returns the revisions that published clients have spoken with the server. */
function spokenRevisions(): string[] {
	const { clients } = readJson<{ clients: { revision?: string }[] }>('clients/results.json');
	return [...new Set(clients.flatMap(({ revision }) => revision ?? []))].toSorted().toReversed();
}

/** Returns the table of the servers that `npm create` writes. */
function createdRows(): string[][] {
	return [...created()].flatMap(([version, servers]) =>
		servers.map(([server, { commands, seconds }]) => {
			const [runtime = '', sessions = '', ...options] = server.split(' ');
			const all = [`--runtime ${runtime}`, `--sessions ${sessions}`, ...options].join(' ');
			return [`\`${all}\``, version, String(commands), String(seconds)];
		}),
	);
}

/** Replaces the table between the comments of a name. */
function withTable(document: string, name: string, table: readonly string[][]): string {
	const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
	const text = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
	const [before, rest = ''] = document.split(begin);
	const [, after] = rest.split(end);
	if (after === undefined)
		throw new CommandFailedError(`${documentPath} must contain ${begin} and ${end} once each`);
	return `${before}${begin}\n\n<!-- prettier-ignore -->\n${text}\n\n${end}${after}`;
}

/**
 * Checks that the tables in `docs/support.md` have the versions that the manifests allow and the tests run on.
 *
 * @param write updates the document instead of comparing it.
 * @throws {CommandFailedError} if a table is out of date.
 */
export function checkSupport(write = false): string {
	const document = read(documentPath);
	const supported = withTable(document, 'support', [
		['runtime or package', 'supported', 'tested with', 'tests'],
		['---', '---', '---', '---'],
		...rows(),
	]);
	const generated = withTable(supported, 'created', [
		['options of `npm create`', 'Node.js', 'commands', 'seconds'],
		['---', '---', '--:', '--:'],
		...createdRows(),
	]);
	if (write) writeFileSync(join(repository, documentPath), generated);
	else if (document !== generated)
		throw new CommandFailedError(
			`${documentPath} is out of date; run: npx node scripts/check/support.ts --write`,
		);
	return `${rows().length + createdRows().length} rows`;
}

if (import.meta.main) {
	try {
		checkSupport(process.argv.includes('--write'));
	} catch (failure) {
		console.error(describeFailure(failure));
		process.exitCode = 1;
	}
}
