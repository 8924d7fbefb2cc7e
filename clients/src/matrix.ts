import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { stepNames } from './client-adapter.ts';
import type { ClientAdapter, ConnectedClient, StepName } from './client-adapter.ts';
import { ObservingProxy } from './observing-proxy.ts';
import { steps } from './steps.ts';
import type { StepContext } from './steps.ts';

/**
 * The pairs of managers that the server runs with, named after the store of the session metadata.
 * `memory` runs in one isolate, the others in two.
 */
export const pairs = [
	'memory',
	'kv',
	'durable-object',
	'sealed',
	'session-object',
	'identity-object',
] as const;
/** A pair of managers. */
export type Pair = (typeof pairs)[number];

/** The server of the matrix in two isolates. */
export type MatrixWorkers = Workers<'a' | 'b'>;

/** What a client did with one pair. */
export interface PairResult {
	/** The revision that the client spoke; undefined if it did not connect. */
	readonly revision: string | undefined;
	/** What was expected and seen in the failed steps. Steps that the client lacks are not taken. */
	readonly failures: Partial<Record<StepName, string>>;
}

const STEP_TIMEOUT_MS = 60_000;

/** Starts the server. */
export function startMatrixWorkers(onLog: (line: string) => void): Promise<MatrixWorkers> {
	return startWorkers({
		entry: fileURLToPath(new URL('worker/worker.ts', import.meta.url)),
		workers: ['a', 'b'],
		kvNamespaces: ['TMCP_SESSION_INFO'],
		durableObjects: {
			TMCP_DURABLE_OBJECT: 'SyncLayer',
			TMCP_SESSION_SHARD: 'SessionShard',
			MATRIX_SESSIONS: 'MatrixSession',
			NOTES: 'Notes',
		},
		onLog,
	});
}

/** The addresses of the server. */
export interface MatrixTarget {
	/** Requests are sent to these in turn. */
	readonly urls: readonly [URL, ...URL[]];
	/** The time that Workers KV may take to show a write: 0 locally. */
	readonly propagationMs: number;
}

/** Returns the addresses of both isolates. */
export function targetOf(workers: MatrixWorkers): MatrixTarget {
	return { urls: [workers.url('a'), workers.url('b')], propagationMs: 0 };
}

/** Takes all steps with one client and one pair of managers. */
export async function runClient(
	adapter: ClientAdapter,
	pair: Pair,
	{ urls, propagationMs }: MatrixTarget,
): Promise<PairResult> {
	const targets = pair === 'memory' ? [urls[0]] : urls;
	const proxy = new ObservingProxy(targets);
	const url = new URL(`/${pair}`, await proxy.listen());
	const notifications: string[] = [];
	const failures: Partial<Record<StepName, string>> = {};
	try {
		const onNotification = (method: string): void => void notifications.push(method);
		const connecting = adapter.connect(url, { onNotification });
		const client = await within(STEP_TIMEOUT_MS, connecting);
		const context: StepContext = {
			adapter,
			client,
			proxy,
			notifications,
			propagationMs: pair === 'kv' ? propagationMs : 0,
			notes: async (name) => readJson(new URL(`/notes?name=${name}`, urls[0])),
			pingEach: (sessionId) =>
				Promise.all(targets.map((target) => ping(new URL(url.pathname, target), sessionId))),
		};
		await takeSteps(context, failures);
		await endQuietly(client);
	} catch (error) {
		failures.initialize = messageOf(error);
	} finally {
		await proxy.close();
	}
	const revision = proxy.exchanges.findLast(({ revision }) => revision !== undefined)?.revision;
	return { revision, failures };
}

async function takeSteps(
	context: StepContext,
	failures: Partial<Record<StepName, string>>,
): Promise<void> {
	for (const name of stepNames) {
		if (context.adapter.lacks[name] !== undefined) continue;
		try {
			await within(STEP_TIMEOUT_MS + context.propagationMs, steps[name](context));
		} catch (error) {
			failures[name] = messageOf(error);
		}
	}
}

/** Ends a client, which may have ended in its last step already. */
async function endQuietly(client: ConnectedClient): Promise<void> {
	await within(STEP_TIMEOUT_MS, client.end()).catch(() => undefined);
}

/** Sends a ping in this session and resolves with the status. */
async function ping(url: URL, sessionId: string): Promise<number> {
	const response = await fetch(url, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			'mcp-session-id': sessionId,
		},
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
	});
	await response.body?.cancel();
	return response.status;
}

async function readJson(url: URL): Promise<readonly string[]> {
	// Safe because the Worker answers with a list of texts.
	return (await (await fetch(url)).json()) as string[];
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(() => reject(new Error(`no end within ${timeoutMs} ms`)), timeoutMs);
	});
	try {
		return await Promise.race([promise, timeout]);
	} finally {
		clearTimeout(timer);
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
