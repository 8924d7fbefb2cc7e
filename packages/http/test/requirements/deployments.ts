import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from '../endpoint.ts';

const entry = fileURLToPath(new URL('fixture/worker.ts', import.meta.url));

/** Where sessions are kept. In memory there is one isolate, the others have two. */
const deployments = [
	'memory',
	'kv',
	'durable-object',
	'sealed',
	'session-object',
	'identity-object',
] as const;

/** How workerd says that it ended work, or that nobody took a failure. */
const LOST_WORK = /hung|never settle|uncaught|unhandled|waitUntil/i;

const NOTE_MS = 6_000;

/** One endpoint, reached through both isolates of its deployment. */
export interface Isolates {
	/** In the isolate that serves first. */
	readonly here: Endpoint;
	/** In the other one, where there is another. */
	readonly there: Endpoint;
}

/** A deployment under test. */
export interface Deployment {
	/** Whether one server has all sessions: what it tells reaches each of them, whoever raised it. */
	readonly hasOneServer: boolean;
	/**
	 * Resources that are its alone. Deployments share one workerd and are tested at once: what is told
	 * to all, or to whoever subscribed to another one, reaches sessions of several.
	 */
	readonly ownUris: readonly [one: string, other: string];
	/** Its endpoint, as `fixture/variants.ts` names it. */
	endpoint(variant?: string): Isolates;
	/** The note that a tool has left so far; null where there is none. */
	note(name: string): Promise<string | null>;
	/** The note that a tool leaves within some seconds; null where it leaves none. */
	awaitNote(name: string): Promise<string | null>;
	/** How many listeners of the stateless era both isolates hold. */
	listeners(): Promise<number>;
	/** Ends all listeners, as a server does that shuts down. */
	endListeners(): Promise<void>;
}

/** How the tests of a file run. */
interface Running {
	/** Only where one server has all sessions: what it tells reaches each of them, and listeners too. */
	readonly oneServer?: boolean;
	/** Several at once: they wait more than they work, and no session of one is one of another. */
	readonly concurrent?: boolean;
}

/** Runs the same tests on each deployment, all in one workerd. */
export function describeEachDeployment(
	test: (deployment: Deployment) => void,
	running: Running = {},
): void {
	const { oneServer = false } = running;
	const names = deployments.filter((name) => !oneServer || hasOneServer(name));
	describeDeployments(names, test, running);
}

/** Runs the tests where the end of a session moves while it is used: that of a sealed one does not. */
export function describeSlidingDeployments(test: (deployment: Deployment) => void): void {
	const sliding = deployments.filter((name) => name !== 'sealed');
	describeDeployments(sliding, test, { concurrent: true });
}

/** Runs the tests where sessions are in their ids and nowhere else. */
export function describeSealedAlone(test: (deployment: Deployment) => void): void {
	describeDeployments(['sealed-alone'], test, {});
}

/** Runs the tests where the server is stateless on purpose: it has no info manager. */
export function describeStateless(test: (deployment: Deployment) => void): void {
	describeDeployments(['stateless'], test, {});
}

/** Each session has a server of its own where it has an object of its own. */
function hasOneServer(name: string): boolean {
	return name !== 'session-object';
}

let running: Workers<'a' | 'b'> | undefined;

function describeDeployments(
	names: readonly string[],
	test: (deployment: Deployment) => void,
	{ concurrent = false }: Running,
): void {
	describe('on workerd', { timeout: 20_000 }, () => {
		const logged: string[] = [];
		beforeAll(async () => {
			running = await startWorkers({
				entry,
				workers: ['a', 'b'],
				kvNamespaces: ['TMCP_SESSION_INFO', 'NOTES'],
				durableObjects: {
					TMCP_DURABLE_OBJECT: 'SyncLayer',
					TMCP_SESSION_SHARD: 'SessionShard',
					PLAIN_SESSIONS: 'PlainSession',
					NARROW_SESSIONS: 'NarrowSession',
					BRIEF_SESSIONS: 'BriefSession',
					ONCE_SESSIONS: 'OnceSession',
				},
				onLog: (line) => logged.push(line),
			});
		}, 30_000);
		afterAll(() => running?.stop());
		for (const name of names) {
			describe(name, { concurrent }, () => {
				test(deploymentOf(name));
			});
		}
		it('nothing was hung, dropped or left unhandled meanwhile', () => {
			expect(logged.filter((line) => LOST_WORK.test(line))).toEqual([]);
		});
	});
}

function deploymentOf(name: string): Deployment {
	const url = (worker: 'a' | 'b'): URL => {
		if (!running) throw new Error('expected workerd to run: ask for endpoints within a test');
		return running.url(name === 'memory' ? 'a' : worker);
	};
	const ask = async (worker: 'a' | 'b', path: string): Promise<unknown> =>
		(await fetch(new URL(path, url(worker)))).json();
	const note = async (name: string): Promise<string | null> =>
		(await ask('a', `/note?name=${name}`)) as string | null; // Sound: the fixture's own answer.
	// What one isolate says of an object is said of it in all.
	const isSaidByOne = name === 'memory' || name === 'identity-object';
	const own = name.endsWith('-object') && name !== 'durable-object' ? 'objects' : name;
	const isolates = isSaidByOne ? (['a'] as const) : (['a', 'b'] as const);
	return {
		hasOneServer: hasOneServer(name),
		ownUris: [`test://${own}/one`, `test://${own}/other`],
		endpoint: (variant = 'plain') => ({
			here: new Endpoint(url('a'), `/${name}/${variant}`),
			there: new Endpoint(url('b'), `/${name}/${variant}`),
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
		async listeners() {
			const counts = isolates.map((worker) => ask(worker, `/${name}/plain/listeners`));
			return (await Promise.all(counts)).reduce<number>((sum, count) => sum + Number(count), 0);
		},
		async endListeners() {
			await Promise.all(isolates.map((worker) => ask(worker, `/${name}/plain/end-listeners`)));
		},
	};
}
