import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** What to delete: nothing, the objects without state, or all of them. */
type Mode = 'all' | 'dry-run' | 'orphans';

/** How objects are found and deleted. */
export interface DeleteOptions {
	/** The address of the objects of a namespace in Cloudflare's API, which lists them by pages. */
	readonly listUrl: string;
	readonly apiToken: string;
	/** The address of `/old-objects` of the Worker. */
	readonly retireUrl: string;
	readonly adminToken: string;
	readonly mode: Mode;
	readonly perSecond: number;
	/** Stores how far it is, so that the next run continues there. */
	readonly progressFile: string;
	readonly pageSize?: number;
	readonly batchSize?: number;
	readonly log: (line: string) => void;
}

/** How far a run is. */
interface Progress {
	readonly mode: Mode;
	/** Undefined at the beginning. */
	readonly cursor?: string | undefined;
	readonly counts: Readonly<Record<string, number>>;
}

interface Page {
	readonly result: readonly { readonly id: string; readonly hasStoredData: boolean }[];
	readonly result_info?: { readonly cursor?: string };
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;

/**
 * Visits each object of a namespace that stores something, and has its Worker delete it. A run that is
 * interrupted continues with the page that it had not completed: to visit an object again does no harm.
 *
 * @returns how many objects had each outcome, in all runs.
 * @throws if a request fails in spite of several attempts.
 */
export async function deleteOldObjects(options: DeleteOptions): Promise<Progress['counts']> {
	const { batchSize = 50, log, mode, progressFile } = options;
	let progress = readProgress(progressFile, mode);
	for (;;) {
		const page = await listPage(options, progress.cursor);
		const ids = page.result.filter(({ hasStoredData }) => hasStoredData).map(({ id }) => id);
		const counts: Record<string, number> = { ...progress.counts };
		for (let at = 0; at < ids.length; at += batchSize) {
			const outcomes = await retire(options, ids.slice(at, at + batchSize));
			for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
		}
		const cursor = page.result_info?.cursor || undefined;
		progress = { mode, cursor, counts };
		writeFileSync(progressFile, JSON.stringify(progress));
		log(`${mode}: ${JSON.stringify(counts)}`);
		if (cursor === undefined || page.result.length === 0) return counts;
	}
}

function readProgress(file: string, mode: Mode): Progress {
	const begin: Progress = { mode, counts: {} };
	if (!existsSync(file)) return begin;
	// Safe because only this script writes the file.
	const stored = JSON.parse(readFileSync(file, 'utf8')) as Progress;
	return stored.mode === mode && stored.cursor !== undefined ? stored : begin;
}

async function listPage(options: DeleteOptions, cursor: string | undefined): Promise<Page> {
	const { apiToken, listUrl, pageSize = 1_000 } = options;
	const url = new URL(listUrl);
	url.searchParams.set('limit', String(pageSize));
	if (cursor !== undefined) url.searchParams.set('cursor', cursor);
	// Safe because Cloudflare documents the format.
	return (await send(url, { headers: { authorization: `Bearer ${apiToken}` } })) as Page;
}

async function retire(options: DeleteOptions, ids: readonly string[]): Promise<string[]> {
	const { adminToken, mode, perSecond, retireUrl } = options;
	const pause = sleep((ids.length / perSecond) * 1_000);
	const outcomes = await send(retireUrl, {
		method: 'POST',
		headers: { authorization: `Bearer ${adminToken}` },
		body: JSON.stringify({ ids, mode }),
	});
	await pause;
	return Object.values(Object(outcomes)).map(String);
}

/** Sends a request again, after pauses, if the server is busy or fails. */
async function send(url: string | URL, init: RequestInit): Promise<unknown> {
	for (let attempt = 1; ; attempt += 1) {
		const response = await fetch(url, init);
		if (response.ok) return response.json();
		const isTemporary = response.status === 429 || response.status >= 500;
		if (!isTemporary || attempt === ATTEMPTS) {
			throw new Error(
				`${new URL(url).pathname} answered with ${response.status}; run this again to continue`,
			);
		}
		await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
	}
}

function sleep(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
