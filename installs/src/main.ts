import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { copyRepository } from './checkout.ts';
import { compileSnippets } from './documents/compile-snippets.ts';
import { runDocuments } from './documents/run-documents.ts';
import { Limit } from './lock.ts';
import { runCreateMatrix, runWithoutNetwork } from './matrix/create-matrix.ts';
import { recordResults } from './matrix/create-results.ts';
import { runMatrix, runMix } from './matrix/install-matrix.ts';
import { createNetworks } from './network/reader-network.ts';
import { startRegistry } from './registry/local-registry.ts';
import { Publisher } from './registry/publish.ts';
import type { PublishedPackage } from './registry/publish.ts';
import { Report } from './report.ts';
import { installNode, linkRuntimes, ownNode, versionOfNode } from './runtime-binaries.ts';
import { checkTarball } from './tarballs.ts';

const firstParts = ['documents', 'matrix'] as const;
const defaultParts = [...firstParts, 'release'] as const;
const parts = [...defaultParts, 'create'] as const;
const usage = `Usage: npm run installs -- [--part ${parts.join(' | ')}] [--node VERSION] [--record] [--keep] [NAME…]

Publishes the packages to a registry on this machine and runs these parts: the documents as printed,
installs into projects, and the release of one package alone; and only if it is named, \`create\`: every server
that npm create offers. NAME selects the documents and installs whose name matches it. --node runs everything that
a reader types on another release of Node.js, such as 22. --record stores the results of \`create\`. --keep leaves the
temporary folder for a look.`;

interface Options {
	readonly parts: readonly (typeof parts)[number][];
	readonly filter: string;
	readonly keep: boolean;
	/** The release of Node.js of the readers; `undefined` for that of the repository. */
	readonly node: string | undefined;
	readonly record: boolean;
}

function readOptions(): Options {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			part: { type: 'string' },
			node: { type: 'string' },
			record: { type: 'boolean', default: false },
			keep: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	const chosen: (typeof parts)[number][] =
		values.part === undefined ? [...defaultParts] : parts.filter((part) => part === values.part);
	if (values.help || chosen.length === 0) {
		console.log(usage);
		process.exit(values.help ? 0 : 1);
	}
	const { keep, node, record } = values;
	return { parts: chosen, filter: positionals.join('|'), keep, node, record };
}

async function main(): Promise<void> {
	const options = readOptions();
	const report = new Report();
	const root = mkdtempSync(join(tmpdir(), 'tmcp-sessions-installs-'));
	const folder = (name: string) => {
		const path = join(root, name);
		mkdirSync(path, { recursive: true });
		return path;
	};
	const registry = await startRegistry(folder('registry'));
	const networks = await createNetworks(registry.url, root);
	try {
		const checkout = folder('checkout');
		await copyRepository(checkout);
		const publisher = new Publisher(registry, checkout, folder('home'));
		let published: readonly PublishedPackage[] = [];
		if (options.parts.includes('release'))
			await report.try('a release in a workflow asks for provenance', async () => {
				const audiences = await publisher.releaseInWorkflow();
				if (!audiences.includes('sigstore')) throw new Error(`asked for ${audiences.join(', ')}`);
			});
		await report.try('publishes every package', async () => {
			published = await publisher.release();
			if (published.length !== publisher.packageCount)
				throw new Error(`published ${published.length} of ${publisher.packageCount} packages`);
			return published.map(({ name, version }) => `${name}@${version}`).join(' ');
		});
		for (const one of published)
			await report.try(`the tarball of ${one.name} is complete`, () => checkTarball(one));
		const shared = folder('shared');
		const { node: wanted } = options;
		const node = wanted === undefined ? ownNode : await installNode(wanted, folder('node'));
		linkRuntimes(join(shared, 'bin'), node);
		const common = {
			shared,
			registry: registry.url,
			networks,
			filter: options.filter,
			workers: new Limit(2),
			keep: options.keep,
			report,
		};
		const jobs = {
			documents: async () => {
				const documents = folder('documents');
				await Promise.all([
					runDocuments({ ...common, folder: documents, checkout }),
					compileSnippets(common, documents, published),
				]);
			},
			matrix: () => runMatrix({ ...common, folder: folder('matrix') }),
		};
		const { parts: chosen } = options;
		await Promise.all(
			firstParts.filter((part) => chosen.includes(part)).map((part) => jobs[part]()),
		);
		if (chosen.includes('create')) {
			const run = { ...common, folder: folder('create') };
			await runWithoutNetwork(run);
			const results = await runCreateMatrix(run);
			const version = await versionOfNode(node);
			for (const { commands, passed, seconds, server } of results)
				console.log(
					`${passed ? 'created' : 'FAILED '} ${server} on Node.js ${version}: ${commands} commands, ${seconds} s`,
				);
			if (options.record) recordResults(version, results);
		}
		if (chosen.includes('release')) {
			let patch: PublishedPackage | undefined;
			await report.try('publishes a patch of info-kv alone', async () => {
				const name = '@tmcp-sessions/info-kv';
				const released = await publisher.releasePatch(name);
				const list = released.map((one) => `${one.name}@${one.version}`).join(' ');
				if (list !== `${name}@0.1.1`) throw new Error(`published ${list}`);
				[patch] = released;
				return list;
			});
			if (patch) await runMix({ ...common, folder: folder('matrix') }, patch);
		}
	} finally {
		await networks.stop();
		await registry.stop();
		if (options.keep) console.log(`\nThe folder is kept: ${root}`);
		else await rm(root, { recursive: true, force: true, maxRetries: 5 });
	}
	const { passed, failures, skipped } = report;
	if (failures.length > 0) console.log(`\nFailed:\n${failures.join('\n')}`);
	if (skipped > 0) console.log(`\n${skipped} blocks carry a reason why they do not run.`);
	console.log(`\n${passed} passed, ${failures.length} failed`);
	process.exitCode = failures.length === 0 ? 0 : 1;
}

await main();
