import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ClientAdapter, ConnectedClient, Listing, StepName } from './client-adapter.ts';
import type { ObservingProxy } from './observing-proxy.ts';

/** What a step works with. */
export interface StepContext {
	readonly adapter: ClientAdapter;
	readonly client: ConnectedClient;
	readonly proxy: ObservingProxy;
	/** The methods of the notifications received outside of calls, in order. */
	readonly notifications: string[];
	/** The time after which a subscription or the end of a session is visible to every isolate. */
	readonly propagationMs: number;
	/** Reads the notes that tools have written under this name. */
	readonly notes: (name: string) => Promise<readonly string[]>;
	/** Sends a ping with this session id to each isolate and resolves with the statuses. */
	readonly pingEach: (sessionId: string) => Promise<readonly number[]>;
}

/** Takes a step; rejects with what was expected and seen instead. */
export type Step = (context: StepContext) => Promise<void>;

/** What the server of the matrix offers. */
const offered: Required<Listing> = {
	tools: ['echo', 'count', 'confirm', 'announce', 'wait', 'sleep'],
	resources: ['matrix://status'],
	templates: ['matrix://steps/{name}'],
	prompts: ['summarize'],
};

/** Includes every line separator of Unicode: clients that split by them would cut the frame. */
const DIFFICULT_TEXT = 'é 漢 😀 "quoted" \u2028 \u2029 \u0085 end';

/** Older than the second after which a call can be resumed, and cancelled in the other isolate. */
const AGE_MS = 1_500;

/** Longer than clients need to reconnect twice: they wait for one second, then for a half more. */
const RECONNECTED_MS = 4_000;

/** The steps by their names. */
export const steps: Readonly<Record<StepName, Step>> = {
	async initialize({ adapter, proxy }) {
		const method = adapter.era === 'stateless' ? 'server/discover' : 'initialize';
		await proxy.waitFor(
			`a ${method} with status 200`,
			({ rpcMethod, status }) => rpcMethod === method && status === 200,
		);
	},

	async list({ adapter, client }) {
		const listing = await client.list(adapter.lists);
		for (const kind of adapter.lists) expectEqual(kind, listing[kind], offered[kind]);
	},

	async call({ client }) {
		expectEqual('text', await client.call('echo', { text: DIFFICULT_TEXT }), DIFFICULT_TEXT);
	},

	async progress({ client }) {
		const received: number[] = [];
		const onProgress = (progress: number): void => void received.push(progress);
		expectEqual('text', await client.call('count', { to: 3 }, { onProgress }), 'counted to 3');
		expectEqual('progress', received, [1, 2, 3]);
	},

	async cancel({ client, proxy, notes }) {
		const openBefore = proxy.openCount();
		const note = `cancel-${crypto.randomUUID()}`;
		const controller = new AbortController();
		const outcome = client.call('wait', { note }, { signal: controller.signal }).then(
			(text) => `the result ${text}`,
			() => 'a rejection',
		);
		await until('the call to begin', async () => (await notes(note)).includes('begun'));
		await pause(AGE_MS);
		controller.abort(new Error('no longer needed'));
		expectEqual('outcome', await outcome, 'a rejection');
		await until('the tool to be cancelled', async () => (await notes(note)).includes('cancelled'));
		expectEqual('text after it', await client.call('echo', { text: 'next' }), 'next');
		// A client resumes the stream of its call, which must end: otherwise every cancellation leaks one.
		await pause(RECONNECTED_MS);
		const leaked = Math.max(0, proxy.openCount() - openBefore);
		expectEqual('number of streams that the cancelled call leaves open', leaked, 0);
	},

	async resume({ client, proxy, notes }) {
		const note = `resume-${crypto.randomUUID()}`;
		const started = proxy.exchanges.length;
		const pending = client.call('sleep', { ms: 2 * AGE_MS, note });
		// Keeps a rejection from being unhandled before it is awaited.
		pending.catch(() => undefined);
		await until('the call to begin', async () => (await notes(note)).length > 0);
		await pause(AGE_MS);
		const call = proxy.exchanges
			.slice(started)
			.findLast(({ rpcMethod }) => rpcMethod === 'tools/call');
		call?.cut();
		await proxy.waitFor(
			'a GET with Last-Event-ID',
			(exchange) =>
				exchange.lastEventId !== undefined && proxy.exchanges.indexOf(exchange) > started,
		);
		expectEqual('text', await pending, 'slept');
		expectEqual('runs of the tool', (await notes(note)).length, 1);
	},

	async elicitation({ client }) {
		expectEqual('text', await client.call('confirm', {}), 'accept: true');
	},

	async notifications({ adapter, client, proxy, notifications, propagationMs }) {
		if (adapter.era === 'session-based') {
			await proxy.waitFor(
				'an open GET stream',
				({ method, status, isOpen }) => method === 'GET' && status === 200 && isOpen,
			);
		}
		await client.subscribe?.('matrix://status');
		await pause(propagationMs);
		notifications.length = 0;
		expectEqual('text', await client.call('announce', {}), 'announced');
		const expected = [
			'notifications/tools/list_changed',
			...(client.subscribe ? ['notifications/resources/updated'] : []),
		];
		await until(expected.join(' and '), async () =>
			expected.every((method) => notifications.includes(method)),
		);
	},

	async DELETE({ client, proxy, propagationMs, pingEach }) {
		const sessionId = proxy.exchanges.find(({ sessionId }) => sessionId !== undefined)?.sessionId;
		await client.end();
		await proxy.waitFor(
			'a DELETE with status 200',
			({ method, status }) => method === 'DELETE' && status === 200,
		);
		await pause(propagationMs);
		await until('404 from each isolate', async () => {
			const statuses = await pingEach(sessionId ?? '');
			return statuses.every((status) => status === 404);
		});
		await proxy.waitForNone('open stream of the ended session', ({ isOpen }) => isOpen);
	},
};

function expectEqual(what: string, found: unknown, expected: unknown): void {
	if (isDeepStrictEqual(found, expected)) return;
	throw new Error(`expected ${what} ${JSON.stringify(expected)}; got ${JSON.stringify(found)}`);
}

/** Waits for a condition. Rejects after `timeoutMs`, naming `expected`. */
async function until(
	expected: string,
	holds: () => Promise<boolean>,
	timeoutMs = 20_000,
): Promise<void> {
	for (const deadline = Date.now() + timeoutMs; !(await holds()); await pause(50)) {
		if (Date.now() > deadline) throw new Error(`expected ${expected} within ${timeoutMs} ms`);
	}
}
