import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Wrangler } from './wrangler.ts';

/** A Worker that is deployed for the time of a run. */
export interface Deployment {
	readonly url: URL;
	/** Deploys the Worker again, as a release would. */
	redeploy(): Promise<void>;
}

/** What a deployment reports to. */
export interface DeploymentOptions {
	readonly print: (line: string) => void;
	/** Ends the run early; everything is deleted then too. */
	readonly signal: AbortSignal;
}

const folder = fileURLToPath(new URL('../worker/', import.meta.url));

/**
 * Deploys the Worker with a KV namespace and a secret of its own, calls `use`, and deletes all of them,
 * whatever fails. Rejects with the failure of the deployment or of `use`.
 */
export async function withDeployment<Result>(
	wrangler: Wrangler,
	use: (deployment: Deployment) => Promise<Result>,
	{ print, signal }: DeploymentOptions,
): Promise<{ readonly result: Result; readonly isDeleted: boolean }> {
	const name = `tmcp-verify-${randomBytes(5).toString('hex')}`;
	print(`Deploying ${name}. If this process is killed, delete the Worker and its KV namespace:`);
	print(`  npx wrangler delete ${name} --force`);
	print(`  npx wrangler kv namespace delete ${name}-tmcp-session-info`);

	// Wrangler writes the id of the KV namespace that it creates into the configuration.
	const config = join(folder, `wrangler.${name}.jsonc`);
	const secrets = await mkdtemp(join(tmpdir(), 'tmcp-verify-'));
	let command: Promise<unknown> = Promise.resolve();
	const deploy = async (): Promise<URL> => {
		signal.throwIfAborted();
		const file = join(secrets, 'secrets.json');
		const deployed = wrangler('deploy', '--config', config, '--name', name, '--secrets-file', file);
		command = deployed;
		return findUrl(await deployed);
	};
	const run = async (): Promise<Result> => {
		await copyFile(join(folder, 'wrangler.jsonc'), config);
		const key = randomBytes(32).toString('base64');
		const content = JSON.stringify({ TMCP_SESSION_KEYS: key });
		await writeFile(join(secrets, 'secrets.json'), content, { mode: 0o600 });
		const url = await deploy();
		const redeploy = async (): Promise<void> => void (await deploy());
		return Promise.race([use({ url, redeploy }), rejectOnAbort(signal)]);
	};
	const [outcome] = await Promise.allSettled([run()]);
	// A deployment that is under way would create the Worker again.
	await command.catch(() => undefined);
	const isDeleted = await deleteAll(wrangler, name, print);
	await rm(config, { force: true });
	await rm(secrets, { recursive: true, force: true });
	if (outcome.status === 'rejected') throw outcome.reason;
	return { result: outcome.value, isDeleted };
}

/** Finds the address in the output of `wrangler deploy`. */
function findUrl(output: string): URL {
	const found = /https:\/\/[\w.-]+\.workers\.dev/.exec(output)?.[0];
	if (found === undefined) throw new Error(`expected a workers.dev address; found:\n${output}`);
	return new URL(found);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
	return new Promise((_resolve, reject) => {
		const rejectWithReason = (): void => {
			reject(new Error(signal.reason instanceof Error ? signal.reason.message : 'interrupted'));
		};
		signal.addEventListener('abort', rejectWithReason);
		if (signal.aborted) rejectWithReason();
	});
}

/**
 * Deletes the Worker, with its secret and objects, and its KV namespaces. Prints what it deleted, and
 * resolves with whether that is everything.
 */
async function deleteAll(
	wrangler: Wrangler,
	name: string,
	print: (line: string) => void,
): Promise<boolean> {
	const attempt = async (what: string, action: () => Promise<unknown>): Promise<boolean> => {
		try {
			await action();
			print(`Deleted ${what}`);
			return true;
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			print(`Not deleted: ${what}. Delete it with the commands above. ${reason}`);
			return false;
		}
	};
	const worker = await attempt(`the Worker ${name}`, () => wrangler('delete', name, '--force'));
	const namespaces = await attempt('its KV namespaces', async () => {
		for (const id of await namespacesOf(wrangler, name)) {
			await wrangler('kv', 'namespace', 'delete', '--namespace-id', id, '--skip-confirmation');
		}
	});
	return worker && namespaces;
}

async function namespacesOf(wrangler: Wrangler, name: string): Promise<string[]> {
	const output = await wrangler('kv', 'namespace', 'list');
	const json = output.slice(output.indexOf('['), output.lastIndexOf(']') + 1);
	// Safe because wrangler prints the namespaces as the API returns them.
	const namespaces = JSON.parse(json) as { id: string; title: string }[];
	return namespaces.filter(({ title }) => title.startsWith(`${name}-`)).map(({ id }) => id);
}
