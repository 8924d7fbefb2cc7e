import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm } from '../checkout.ts';
import { parseDocument } from '../documents/document.ts';
import { runDocument } from '../documents/run-document.ts';
import type { Variation } from '../documents/run-document.ts';
import type { RunnableDocument } from '../documents/document.ts';
import { Limit } from '../lock.ts';
import type { NetworkFactory } from '../network/reader-network.ts';
import { readerEnvironment, repository } from '../reader-environment.ts';
import type { PublishedPackage } from '../registry/publish.ts';
import type { Report } from '../report.ts';

/** The document whose lines install the packages in every case: a Worker with KV, streams and tools. */
const PAGE = 'packages/info-kv/README.md';

/** Commands of a package manager, in the place of npm's. */
interface PackageManager {
	readonly name: string;
	add(packages: string): string;
	addDev(packages: string): string;
	execute(command: string): string;
}

const withPnpm = `npx ${pnpm.join(' ')}`;
/** pnpm runs only the build scripts that a project names; these come with wrangler. */
const allowed = ['esbuild', 'workerd', 'sharp'].map((name) => `--allow-build=${name}`).join(' ');
/** What every project begins with, whatever installs its packages. */
const init = 'npm init -y && npm pkg set type=module';

const managers: readonly PackageManager[] = [
	{
		name: 'npm',
		add: (packages) => `npm install ${packages}`,
		addDev: (packages) => `npm install --save-dev ${packages}`,
		execute: (command) => `npx ${command}`,
	},
	{
		name: 'pnpm',
		add: (packages) => `${withPnpm} add ${allowed} ${packages}`,
		addDev: (packages) => `${withPnpm} add --save-dev ${allowed} ${packages}`,
		execute: (command) => `${withPnpm} exec ${command}`,
	},
	{
		name: 'bun',
		add: (packages) => `bun add ${packages}`,
		addDev: (packages) => `bun add --dev ${packages}`,
		execute: (command) => `bun x ${command}`,
	},
];

/** Translates npm's commands, as documents print them, into those of another package manager. */
function translateFor(manager: PackageManager): (command: string) => string {
	return (command) => {
		const install = /^npm (?:i|install|add)((?: +(?:-D|--save-dev))?) +([^]*)$/.exec(command);
		if (install) {
			const [, dev, packages = ''] = install;
			return dev === '' ? manager.add(packages) : manager.addDev(packages);
		}
		if (/^npm init\b/.test(command)) return init;
		const run = /^npx (?!-)([^]*)$/.exec(command);
		return run ? manager.execute(run[1] ?? '') : command;
	};
}

/** A project that is older than these packages. */
const olderProject = {
	dependencies: 'tmcp@1.19.4 @tmcp/transport-http@0.8.5 @tmcp/session-manager@0.2.2',
	devDependencies: 'wrangler@4.100.0 @cloudflare/workers-types@4.20260702.1 typescript',
	date: '2026-06-01',
};

function variations(): Variation[] {
	return managers.flatMap((manager) => {
		const translate = translateFor(manager);
		const empty = {
			title: `${manager.name}, empty folder`,
			before: [init],
			translate,
			edit: (content: string) => content,
		};
		const older = {
			title: `${manager.name}, over tmcp 1.19 and wrangler 4.100`,
			before: [
				init,
				manager.add(olderProject.dependencies),
				manager.addDev(olderProject.devDependencies),
			],
			// Such a project has wrangler and the types of Workers.
			translate: (command: string) =>
				/^npm (?:i|install) (?:-D|--save-dev) wrangler\b/.test(command)
					? 'true'
					: translate(command),
			// And a date that its workerd knows.
			edit: (content: string) =>
				content.replace(/("compatibility_date": )"[\d-]+"/, `$1"${olderProject.date}"`),
		};
		return [empty, older];
	});
}

export interface MatrixRun {
	readonly folder: string;
	readonly shared: string;
	readonly registry: string;
	readonly networks: NetworkFactory;
	/** Runs only the cases whose title contains this text. */
	readonly filter: string;
	readonly workers: Limit;
	readonly keep: boolean;
	readonly report: Report;
}

/** Follows one document with every package manager, in empty folders and in an older project. */
export async function runMatrix(run: MatrixRun): Promise<void> {
	const document = readDocument();
	const ports = new Limit(1);
	const chosen = variations().filter(({ title }) => new RegExp(run.filter).test(title));
	await Promise.all(
		chosen.map((variation) =>
			run.workers.run(async () => {
				const folder = join(run.folder, variation.title.replaceAll(/\W+/g, '-'));
				const env = readerEnvironment(join(folder, 'home'), run.shared, run.registry);
				const { keep, networks, report } = run;
				const checkout = folder;
				await runDocument(document, {
					folder,
					checkout,
					env,
					networks,
					ports,
					report,
					variation,
					keep,
				});
			}),
		),
	);
}

/**
 * Follows the document in a project with the first release of every package and the second one of
 * `info-kv`, which was released alone.
 */
export async function runMix(run: MatrixRun, released: PublishedPackage): Promise<void> {
	const title = 'npm, one package newer';
	if (!new RegExp(run.filter).test(title)) return;
	const names = ['http', 'info-kv', 'streams-durable-object'];
	const first = names.map((name) => `@tmcp-sessions/${name}@0.1.0`).join(' ');
	const variation: Variation = {
		title,
		before: [
			init,
			`npm install tmcp@latest @tmcp/transport-http@latest ${first}`,
			`npm install --prefer-online ${released.name}@latest`,
			`npm ls ${released.name}@${released.version}`,
			// Two copies would not share what they keep in memory.
			'test "$(npm ls --all --parseable @tmcp-sessions/core | sort -u | wc -l)" = 1',
		],
		translate: (command) => (/^npm (?:i|install) (?!-)/.test(command) ? 'true' : command),
		edit: (content) => content,
	};
	const folder = join(run.folder, 'mix');
	const env = readerEnvironment(join(folder, 'home'), run.shared, run.registry);
	const { keep, networks, report } = run;
	const ports = new Limit(1);
	const surroundings = { folder, checkout: folder, env, networks, ports, report, variation, keep };
	await runDocument(readDocument(), surroundings);
}

/** Returns the document that every case follows. */
function readDocument(): RunnableDocument {
	return parseDocument(PAGE, readFileSync(join(repository, PAGE), 'utf8'));
}
