import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Limit } from '../lock.ts';
import type { NetworkFactory } from '../network/reader-network.ts';
import { readerEnvironment, repository } from '../reader-environment.ts';
import type { Report } from '../report.ts';
import { parseDocument } from './document.ts';
import { runDocument } from './run-document.ts';

/** Pages that readers follow. */
const pages = [
	'README.md',
	'{packages,examples}/*/README.md',
	'docs/*.md',
	'installs/documents/*.md',
];

export interface DocumentRun {
	/** A new folder for all documents. */
	readonly folder: string;
	readonly shared: string;
	readonly registry: string;
	readonly checkout: string;
	readonly networks: NetworkFactory;
	/** Runs only the documents whose path contains this text. */
	readonly filter: string;
	readonly workers: Limit;
	readonly keep: boolean;
	readonly report: Report;
}

/** Runs every document that has commands or files of the reader. */
export async function runDocuments(run: DocumentRun): Promise<void> {
	const ports = new Limit(1);
	const documents = globSync(pages, { cwd: repository })
		.toSorted()
		.map((page) => parseDocument(page, readFileSync(join(repository, page), 'utf8')))
		.filter(({ page }) => new RegExp(run.filter).test(page));
	for (const { problems } of documents) {
		for (const problem of problems)
			run.report.fail(problem, 'CONTRIBUTING.md describes blocks that run.');
	}
	const runnable = documents.filter(({ steps }) => steps.length > 0);
	await Promise.all(
		runnable.map((document) =>
			run.workers.run(async () => {
				const folder = join(run.folder, document.page.replaceAll('/', '_').replace('.md', ''));
				const env = readerEnvironment(join(folder, 'home'), run.shared, run.registry);
				const { checkout, keep, networks, report } = run;
				await runDocument(document, { folder, checkout, env, networks, ports, report, keep });
			}),
		),
	);
}
