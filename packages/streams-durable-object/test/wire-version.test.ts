import { StreamError } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { OpenStream } from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, onTestFinished } from 'vitest';

import { formatPurpose, parsePurpose } from '../src/wire/socket-purpose.ts';
import { WIRE_VERSION } from '../src/wire/version.ts';
import { frameOf } from './fixture/rows.ts';
import { syncLayer } from './fixture/sync-layer.ts';

const UPGRADE = { headers: { Upgrade: 'websocket' } };
const ORIGIN = 'https://sync-layer.invalid/';
const TOOLS_CHANGED = { jsonrpc: '2.0' as const, method: 'notifications/tools/list_changed' };

/** Opens a socket by a URL. */
async function openSocket(query: string): Promise<{ received: string[]; headers: Headers }> {
	const { webSocket, headers, status } = await syncLayer().fetch(`${ORIGIN}?${query}`, UPGRADE);
	if (!webSocket) throw new Error(`expected a socket; got ${status}`);
	const received: string[] = [];
	webSocket.addEventListener('message', ({ data }) => void received.push(String(data)));
	webSocket.accept();
	onTestFinished(() => webSocket.close(1000));
	return { received, headers };
}

/** Returns all rows of the object, to find out whether anything was changed. */
function rows(): Promise<string> {
	return runInDurableObject(syncLayer(), (_instance, { storage: { sql } }) =>
		JSON.stringify(
			['meta', 'log', 'histories', 'calls', 'shards'].map((table) =>
				sql.exec(`SELECT * FROM tmcp_${table}`).toArray(),
			),
		),
	);
}

/**
 * What the release before sends and expects: recorded from its wire, before it named a version or the
 * client of a stream. It is not to be changed with the code.
 */
const PREVIOUS = {
	stream: (session: string) => `role=stream&session=${session}`,
	resumed: (session: string, last: string) =>
		`role=stream&session=${session}&last=${encodeURIComponent(last)}&rank=1764400000000`,
	inbox: (session: string) => `role=inbox&session=${session}`,
	subscription: 'role=subscription&kind=tools&kind=updates&uris=1f.2g&principal=qZk3',
	headers: ['sync-layer-rank', 'sync-layer-replayed'],
	closeCodes: { sessionEnded: 4000, callComplete: 4001, replaced: 4002, tooManyStreams: 4003 },
};

describe('a Worker of the release before and an object of this one', () => {
	it('open streams, inboxes and subscriptions, and receive what is published', async () => {
		const session = crypto.randomUUID();
		const stream = await openSocket(PREVIOUS.stream(session));
		const inbox = await openSocket(PREVIOUS.inbox(session));
		const subscription = await openSocket(PREVIOUS.subscription);
		for (const header of PREVIOUS.headers) expect(stream.headers.get(header)).toMatch(/^\d+$/);
		const frame = frameOf('published');
		const publications = [{ sessions: [session], frame }, { notification: TOOLS_CHANGED }];
		expect(await syncLayer().publish(publications)).toEqual([]);
		expect(await syncLayer().deliver(session, 'delivered')).toBe(1);
		await expect.poll(() => inbox.received).toEqual(['delivered']);
		await expect.poll(() => subscription.received).toEqual([JSON.stringify(TOOLS_CHANGED)]);
		await expect.poll(() => stream.received).toHaveLength(2);
		expect(stream.received[1]).toMatch(/^id: 0\/[\da-f]{8}\/[\da-z]+:\d+\nevent: message\ndata: /);
		expect(await syncLayer().has(session)).toBe(true);
	});

	it('resume a stream and a call whose events it keeps', async () => {
		const session = crypto.randomUUID();
		const stream = await openSocket(PREVIOUS.stream(session));
		await expect.poll(() => stream.received).toHaveLength(1);
		const [, last = ''] = /^id: (\S+)\n/.exec(stream.received[0] ?? '') ?? [];
		await syncLayer().publish([{ sessions: [session], frame: frameOf('missed') }]);
		const resumed = await openSocket(PREVIOUS.resumed(session, last));
		await expect.poll(() => resumed.received.join('')).toContain('missed');
		const call = `call/${crypto.randomUUID()}`;
		const frames = [`id: ${call}:1\n${frameOf('answer')}`];
		await syncLayer().keepCall(session, { stream: call, first: 1, frames, isComplete: true });
		const again = await openSocket(PREVIOUS.resumed(session, `${call}:0`));
		await expect.poll(() => again.received).toEqual(frames);
		await syncLayer().delete(session);
		expect(await syncLayer().has(session)).toBe(false);
	});

	it('use tables that the release before has created', async () => {
		const old = env.TMCP_DURABLE_OBJECT.getByName('of the release before');
		await runInDurableObject(old, (_instance, { storage: { sql } }) => {
			for (const table of ['meta', 'shards', 'log', 'histories', 'calls'])
				sql.exec(`DROP TABLE tmcp_${table}`);
			sql.exec(
				`CREATE TABLE IF NOT EXISTS tmcp_meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
				CREATE TABLE IF NOT EXISTS tmcp_shards (label TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
				CREATE TABLE IF NOT EXISTS tmcp_log (
					sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, sessions TEXT, frame TEXT,
					bytes INTEGER NOT NULL, end_bytes INTEGER NOT NULL
				);
				CREATE TABLE IF NOT EXISTS tmcp_histories (
					session TEXT PRIMARY KEY, history TEXT NOT NULL, idle_ms INTEGER
				) WITHOUT ROWID;
				CREATE TABLE IF NOT EXISTS tmcp_calls (
					stream TEXT, first INTEGER, at_ms INTEGER NOT NULL, session TEXT NOT NULL,
					frames TEXT NOT NULL, is_complete INTEGER NOT NULL, PRIMARY KEY (stream, first)
				) WITHOUT ROWID;
				INSERT INTO tmcp_meta VALUES ('epoch', '01234567');
				INSERT INTO tmcp_log VALUES (1, ${Date.now()}, ' old ', 'event: message\ndata: "logged"\n\n', 38, 38);
				INSERT INTO tmcp_histories VALUES
					('old', '{"channels":[5],"changes":[[1,5]],"lost":0}', ${Date.now()});
				INSERT INTO tmcp_calls VALUES
					('call/old', 1, ${Date.now()}, 'old', '["id: call/old:1\\n\\n"]', 1);`,
			);
		});
		await expect(
			runInDurableObject(old, (_instance, state) => state.abort('a deployment')),
		).rejects.toThrow('a deployment');
		const resumed = await env.TMCP_DURABLE_OBJECT.getByName('of the release before').fetch(
			`${ORIGIN}?${PREVIOUS.resumed('old', '0/01234567/5:0')}`,
			UPGRADE,
		);
		expect(resumed.status).toBe(101);
		expect(resumed.headers.get('sync-layer-replayed')).toBe('1');
		resumed.webSocket?.accept();
		resumed.webSocket?.close(1000);
	});
});

describe('a Worker of this release and an object of the release before', () => {
	it('differ in parameters only that the object ignores', () => {
		const added = new Set(['principal']);
		const session = 's'.repeat(10);
		const purposes = [
			{ role: 'stream', session, client: 'qZk3' },
			{ role: 'stream', session, client: 'qZk3', lastEventId: '0/a/b:1', rank: 1_764_400_000_000 },
			{ role: 'inbox', session, client: 'qZk3' },
			{ role: 'subscription', kinds: ['tools', 'updates'], uris: [51, 88], client: 'qZk3' },
		] as const;
		const previous = [
			PREVIOUS.stream(session),
			PREVIOUS.resumed(session, '0/a/b:1'),
			PREVIOUS.inbox(session),
			PREVIOUS.subscription,
		];
		for (const [index, purpose] of purposes.entries()) {
			const sent = new URL(formatPurpose(purpose)).searchParams;
			for (const [name, value] of new URLSearchParams(previous[index])) {
				expect(sent.getAll(name)).toContain(value);
				sent.delete(name, value);
			}
			expect([...sent.keys()].filter((name) => !added.has(name))).toEqual([]);
			expect(parsePurpose(formatPurpose(purpose))).toMatchObject(purpose);
		}
	});

	it('differ for a stream that shares a socket in parameters that the object ignores', () => {
		const place = { group: 'isolate.0', member: 7 };
		const own = { role: 'stream', session: 's', place } as const;
		const shared = { ...own, isShared: true };
		const before = [...new URL(formatPurpose(own)).searchParams.keys()];
		const sent = [...new URL(formatPurpose(shared)).searchParams.keys()];
		expect(sent.filter((name) => !before.includes(name))).toEqual(['shared']);
		expect(parsePurpose(formatPurpose(shared))).toMatchObject(shared);
		const joining = { ...own, via: 3 };
		expect(parsePurpose(formatPurpose(joining))).toMatchObject(joining);
	});

	it('have the same version, which messages do not name', () => {
		expect(WIRE_VERSION).toBe(1);
	});
});

describe('a Worker of a later release', () => {
	const REASON = "sends version 2 of the wire format; the object's release supports up to 1";

	it.each([
		['stream', 'role=stream&session=s&version=2'],
		['inbox of a new format', 'role=mailbox&id=s&version=2'],
		['subscription', 'role=subscription&kind=tools&version=2'],
	])('is refused a %s with a 503, and nothing is changed', async (_name, query) => {
		const before = await rows();
		const response = await syncLayer().fetch(`${ORIGIN}?${query}`, UPGRADE);
		expect(response.status).toBe(503);
		expect(await response.text()).toContain(REASON);
		expect(await rows()).toBe(before);
	});

	it('is refused a publication and the events of a call, and nothing is changed', async () => {
		const session = crypto.randomUUID();
		const manager = new DurableObjectStreamSessionManager();
		const stream = await OpenStream.open(manager, session);
		const before = await rows();
		const events = { stream: 'call/a', first: 1, frames: ['x'], isComplete: true };
		const refused = await runInDurableObject(syncLayer(), (instance) =>
			Promise.all(
				[
					async () => instance.publish([{ sessions: [session], frame: 'x' }], 2),
					async () => instance.keepCall(session, events, undefined, 2),
				].map(async (call) => {
					try {
						await call();
						return 'accepted';
					} catch (error) {
						return String(error);
					}
				}),
			),
		);
		for (const reason of refused) expect(reason).toContain(REASON);
		expect(await rows()).toBe(before);
		await stream.cancel();
	});

	it('gets a StreamError, which is a 503 for its client', async () => {
		const newer = new Proxy(env.TMCP_DURABLE_OBJECT, {
			get(target, key) {
				if (key !== 'getByName') return Reflect.get(target, key) as unknown;
				return (name: string) => ({
					fetch: (url: string, init: RequestInit) =>
						target.getByName(name).fetch(`${url}&version=2`, init),
				});
			},
		});
		const manager = new DurableObjectStreamSessionManager(newer);
		const subscriptions = new DurableObjectSubscriptionManager(newer);
		const ignore = (): void => {};
		const filters = { toolsListChanged: true };
		for (const opening of [
			OpenStream.open(manager, crypto.randomUUID()),
			manager.openInbox(crypto.randomUUID(), ignore),
			runInScope({ waitUntil: ignore }, () =>
				subscriptions.create(
					{ id: 1, origin: 'o', filters },
					{ acknowledge: ignore, send: ignore, close: ignore },
				),
			),
		]) {
			await expect(opening).rejects.toThrow(StreamError);
			await expect(opening).rejects.toThrow(REASON);
			await expect(opening).rejects.toMatchObject({ bound: undefined });
		}
	});
});
