import { startServerPair } from '@tmcp-sessions/testkit/redis';
import type { RunningServerPair } from '@tmcp-sessions/testkit/redis';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Endpoint } from '../endpoint.ts';
import { sdkBaseline } from './sdk-baseline.ts';

const entry = fileURLToPath(new URL('fixture/worker.ts', import.meta.url));
const redisServer = fileURLToPath(new URL('redis/server.ts', import.meta.url));

/**
 * Named after the store of the session metadata. `memory` runs in one isolate, `redis` in two processes of
 * Node.js, the others in two isolates.
 */
export const deployments = [
	'memory',
	'kv',
	'durable-object',
	'sealed',
	'session-object',
	'identity-object',
	'sdk',
	'redis',
] as const;

/** The Workers of all deployments. */
export const FIXTURE = {
	entry,
	workers: ['a', 'b'],
	kvNamespaces: ['TMCP_SESSION_INFO', 'NOTES'],
	durableObjects: {
		TMCP_DURABLE_OBJECT: 'SyncLayer',
		TMCP_SESSION_SHARD: 'SessionShard',
		PLAIN_SESSIONS: 'PlainSession',
		NARROW_SESSIONS: 'NarrowSession',
		BRIEF_SESSIONS: 'BriefSession',
		GUARDED_SESSIONS: 'GuardedSession',
		ONCE_SESSIONS: 'OnceSession',
		SESSION_BASED_SESSIONS: 'SessionBasedSession',
	},
} as const;

/** Matches log lines of workerd about cancelled requests and unhandled rejections. */
const LOST_PROMISE = /hung|never settle|uncaught|unhandled|waitUntil/i;

const NOTE_MS = 6_000;

/** One endpoint, in both isolates of its deployment; `memory` has only one, which serves as both. */
export interface Isolates {
	readonly isolateA: Endpoint;
	readonly isolateB: Endpoint;
}

/** A deployment under test. */
export interface Deployment {
	/** Whether one server serves all sessions, so that a change reaches every session. */
	readonly hasOneServer: boolean;
	/**
	 * Resources of this deployment only. The deployments share one workerd and run concurrently, so
	 * that list changes and updates of shared resources reach sessions of several deployments.
	 */
	readonly ownUris: readonly [one: string, other: string];
	/** Returns the endpoint of a variant, named in `fixture/variants.ts`. */
	endpoint(variant?: string): Isolates;
	/** Returns the note that a tool has written; null if there is none yet. */
	note(name: string): Promise<string | null>;
	/** Waits for a tool to write its note; returns null after six seconds. */
	awaitNote(name: string): Promise<string | null>;
	/** Returns the number of open subscriptions in both isolates. */
	countSubscriptions(): Promise<number>;
	/** Ends all subscriptions, like a server that shuts down. */
	endSubscriptions(): Promise<void>;
}

interface RunOptions {
	/** Runs only on deployments where one server serves all sessions. */
	readonly oneServer?: boolean;
	/** Runs the tests of a deployment concurrently. They mostly wait, and share no sessions. */
	readonly concurrent?: boolean;
}

/** Runs the tests on each deployment: all in one workerd, but `redis`. */
export function describeEachDeployment(
	test: (deployment: Deployment) => void,
	options: RunOptions = {},
): void {
	const { oneServer = false } = options;
	const names = deployments.filter((name) => !oneServer || hasOneServer(name));
	describeDeployments(names, test, options);
}

/** Runs the tests on deployments where requests extend a session; sealed sessions have a fixed end. */
export function describeSlidingDeployments(test: (deployment: Deployment) => void): void {
	const sliding = deployments.filter((name) => name !== 'sealed');
	describeDeployments(sliding, test, { concurrent: true });
}

/** Runs the tests on a deployment whose session metadata exists only in the session ids. */
export function describeSealedWithoutRest(test: (deployment: Deployment) => void): void {
	describeDeployments(['sealed-alone'], test, {});
}

/** Runs the tests on a server without an info manager. */
export function describeWithoutSessions(test: (deployment: Deployment) => void): void {
	describeDeployments(['stateless'], test, {});
}

/** With one object per session, each session has its own server. */
function hasOneServer(name: string): boolean {
	return name !== 'session-object';
}

let running: Workers<'a' | 'b'> | undefined;
let processes: RunningServerPair | undefined;

function describeDeployments(
	names: readonly string[],
	test: (deployment: Deployment) => void,
	{ concurrent = false }: RunOptions,
): void {
	describe('on workerd or Redis', { timeout: 20_000 }, () => {
		const logged: string[] = [];
		const onLog = (line: string): void => void logged.push(line);
		beforeAll(async () => {
			running = await startWorkers({ ...FIXTURE, onLog });
			processes = names.includes('redis') ? await startServerPair(redisServer, onLog) : undefined;
		}, 60_000);
		afterAll(async () => {
			await running?.stop();
			await processes?.stop();
		});
		for (const name of names) {
			describe(name, { concurrent }, () => {
				if (name === 'sdk') expectBaseline();
				test(deploymentOf(name));
			});
		}
		it('logs no cancelled request and no unhandled rejection', () => {
			expect(logged.filter((line) => LOST_PROMISE.test(line))).toEqual([]);
		});
	});
}

/** Expects the tests of the baseline to fail. */
function expectBaseline(): void {
	beforeEach(({ task }) => {
		// vitest reads the field, which is read-only in its types, after the test.
		if (Object.hasOwn(sdkBaseline, task.name)) Object.assign(task, { fails: true });
	});
}

function deploymentOf(name: string): Deployment {
	const url = (worker: 'a' | 'b'): URL => {
		if (name === 'redis' && processes) return processes.url(worker);
		if (!running) throw new Error('workerd is not running: call endpoint() within a test');
		return running.url(name === 'memory' ? 'a' : worker);
	};
	const fetchJson = async (worker: 'a' | 'b', path: string): Promise<unknown> =>
		(await fetch(new URL(path, url(worker)))).json();
	const note = async (name: string): Promise<string | null> =>
		(await fetchJson('a', `/note?name=${name}`)) as string | null; // Safe because the fixture returns a string or null.
	// Both isolates would count the subscriptions of the same object, or are one isolate.
	const isShared = name === 'memory' || name === 'identity-object';
	const own = name.endsWith('-object') && name !== 'durable-object' ? 'objects' : name;
	const isolates = isShared ? (['a'] as const) : (['a', 'b'] as const);
	return {
		hasOneServer: hasOneServer(name),
		ownUris: [`test://${own}/one`, `test://${own}/other`],
		endpoint: (variant = 'plain') => ({
			isolateA: new Endpoint(url('a'), `/${name}/${variant}`),
			isolateB: new Endpoint(url('b'), `/${name}/${variant}`),
		}),
		note,
		async awaitNote(name) {
			const deadline = AbortSignal.timeout(NOTE_MS);
			for (;;) {
				const text = await note(name);
				if (text !== null || deadline.aborted) return text;
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
		},
		async countSubscriptions() {
			const counts = isolates.map((worker) => fetchJson(worker, `/${name}/plain/subscriptions`));
			return (await Promise.all(counts)).reduce<number>((sum, count) => sum + Number(count), 0);
		},
		async endSubscriptions() {
			await Promise.all(
				isolates.map((worker) => fetchJson(worker, `/${name}/plain/end-subscriptions`)),
			);
		},
	};
}
