import { setTimeout as pause } from 'node:timers/promises';
import { clientFaults } from '@tmcp-sessions/soak/faults';
import { isSound } from '@tmcp-sessions/soak/ledger';
import { formatReport, storm } from '@tmcp-sessions/soak/soak';
import type { StormResult } from '@tmcp-sessions/soak/soak';
import { installedVersion, titleOf } from '../client-adapter.ts';
import { adapters } from '../clients/all.ts';
import { writeSection } from '../document.ts';
import { pairs } from '../matrix.ts';
import { ObservingProxy } from '../observing-proxy.ts';
import { countSteps } from '../results.ts';
import type { Results } from '../results.ts';
import { runMatrix } from '../run-matrix.ts';
import { formatTable } from '../table.ts';
import { withDeployment } from './deployment.ts';
import { createWrangler } from './wrangler.ts';

/** The most requests of a run. The free plan of Workers has ten times as many a day. */
const MAX_REQUESTS = 10_000;
/** How long Workers KV may show an old value. */
const PROPAGATION_MS = 65_000;
const READY_MS = 120_000;
const load = { minutes: 2, streams: 40, messages: 600, faults: 20 };

/** What the clients and the storm saw. */
export interface Verification {
	readonly matrix: Results;
	readonly storm: StormResult;
}

interface Target {
	readonly url: URL;
	readonly redeploy?: () => Promise<void>;
	readonly propagationMs: number;
}

/** Verifies a server that is running already. Resolves with whether everything passed. */
export async function verifyUrl(url: URL, client: string): Promise<boolean> {
	return report(await verify({ url, propagationMs: 0 }, client));
}

/** Deploys a server, verifies it and deletes it. Resolves with whether everything passed. */
export async function verifyDeployment(
	account: Parameters<typeof createWrangler>[0],
	client: string,
): Promise<boolean> {
	const interrupted = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			console.log(`\n${name}: deleting the deployment`);
			interrupted.abort(new Error(`interrupted by ${name}`));
		});
	}
	try {
		const { result, isDeleted } = await withDeployment(
			createWrangler(account),
			(deployment) => verify({ ...deployment, propagationMs: PROPAGATION_MS }, client),
			{ print: (line) => console.log(line), signal: interrupted.signal },
		);
		const date = new Date().toISOString().slice(0, 10);
		const section = formatSection(result, date, installedVersion('wrangler'));
		if (client === '') writeSection('docs/guarantees.md', 'cloudflare', section);
		return report(result) && isDeleted;
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		return false;
	}
}

/** Runs the clients and the storm against a server, with at most `MAX_REQUESTS` requests. */
async function verify(
	{ url, redeploy, propagationMs }: Target,
	client: string,
): Promise<Verification> {
	const gateway = new ObservingProxy([url], MAX_REQUESTS);
	const gatewayUrl = await gateway.listen();
	console.log(`Verifying ${url.href} with at most ${MAX_REQUESTS.toLocaleString('en')} requests`);
	try {
		await waitUntilReady(gatewayUrl);
		const matrix = await runMatrix(
			adapters.filter((adapter) => titleOf(adapter).includes(client)),
			// Of `memory`, two requests may meet different isolates.
			pairs.filter((pair) => pair !== 'memory'),
			{ urls: [gatewayUrl], propagationMs },
		);
		const seed = Math.floor(Math.random() * 2 ** 31);
		const isolates = ['a', 'b'] as const;
		const target = { isolates, url: () => gatewayUrl, faults: clientFaults };
		const [result] = await Promise.all([
			storm({ ...load, seed }, target, (line) => console.error(line)),
			redeploy && pause(load.minutes * 30_000).then(redeploy),
		]);
		if (gateway.isExhausted) throw new Error(`stopped after ${MAX_REQUESTS} requests`);
		console.log(`${gateway.exchanges.length} requests`);
		return { matrix, storm: result };
	} finally {
		await gateway.close();
	}
}

/** Waits until the server answers five times in a row: a new deployment reaches one location after another. */
async function waitUntilReady(url: URL): Promise<void> {
	const deadline = Date.now() + READY_MS;
	for (let answers = 0; answers < 5; await pause(1_000)) {
		const { status } = await fetch(new URL('/notes?name=ready', url));
		answers = status === 200 ? answers + 1 : 0;
		if (answers === 0 && Date.now() > deadline) {
			throw new Error(`the server must answer within ${READY_MS} ms; got status ${status}`);
		}
	}
}

/** Prints a verification. Returns whether everything passed. */
function report({ matrix, storm }: Verification): boolean {
	console.log(`\n${formatTable(matrix)}\n\n${formatReport(storm)}\n`);
	const { passed, failed, skipped } = countSteps(matrix);
	console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
	return failed === 0 && isSound(storm.total);
}

/** Formats a verification for the documents. */
export function formatSection(
	{ matrix, storm: { total } }: Verification,
	date: string,
	wrangler: string,
): string {
	const { passed, failed } = countSteps(matrix);
	const failures = matrix.clients.flatMap(({ title, failures }) =>
		Object.entries(failures).map(([step, { first }]) => `- ${title}, ${step}: ${first}`),
	);
	const summary =
		`Last run on Cloudflare: ${date}, with wrangler ${wrangler}. ${passed} of ${passed + failed} steps of the ` +
		`clients passed. Of ${total.sent} messages in the storm, ${total.lost} were lost, ${total.repeated} ` +
		`repeated and ${total.outOfOrder} out of order.`;
	return [summary, ...(failures.length > 0 ? [failures.join('\n')] : [])].join('\n\n');
}
