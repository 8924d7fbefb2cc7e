import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkSnippets } from '../../../scripts/check/snippets.ts';
import type { Limit } from '../lock.ts';
import { runCommand } from '../process.ts';
import { readerEnvironment } from '../reader-environment.ts';
import type { PublishedPackage } from '../registry/publish.ts';
import type { Report } from '../report.ts';

interface SnippetRun {
	readonly shared: string;
	readonly registry: string;
	/** Runs only if a document is called so. */
	readonly filter: string;
	readonly workers: Limit;
	readonly report: Report;
}

/** What snippets import beside the packages, whose types must be the ones that the packages use. */
const OTHERS = ['tmcp@latest', '@tmcp/transport-http@latest', '@tmcp/transport-sse@latest'];

/** Compiles the TypeScript blocks of all documents against the packages of the registry. */
export async function compileSnippets(
	{ shared, registry, filter, workers, report }: SnippetRun,
	folder: string,
	published: readonly PublishedPackage[],
): Promise<void> {
	if (filter !== '') return;
	await workers.run(async () => {
		await report.try('the snippets compile against the registry', async () => {
			const project = join(folder, 'snippets');
			mkdirSync(project, { recursive: true });
			const env = readerEnvironment(join(folder, 'snippets-home'), shared, registry);
			await runCommand('npm', ['init', '-y'], { cwd: project, env });
			const packages = published.map(({ name }) => `${name}@latest`);
			await runCommand('npm', ['install', ...OTHERS, ...packages], { cwd: project, env });
			return checkSnippets(join(project, 'node_modules'));
		});
	});
}
