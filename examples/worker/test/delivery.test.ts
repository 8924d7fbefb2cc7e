import { setTimeout as delay } from 'node:timers/promises';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Inbox } from '../demo/inbox.ts';
import { endpoint, evictSyncLayer, startNotesWorkers } from '../demo/notes-workers.ts';
import type { NotesWorkers } from '../demo/notes-workers.ts';
import { clearScene, closeClients, createScene, setScene } from '../demo/scene.ts';
import type { Scene } from '../demo/scene.ts';
import type { SessionClient } from '../demo/session-client.ts';
import { RawStream } from './raw-stream.ts';

const total = 50;
const toolsChanged = 'notifications/tools/list_changed';
const promptsChanged = 'notifications/prompts/list_changed';
const notesUpdated = 'notifications/resources/updated';

function announceOnB(session: SessionClient, what: 'tools' | 'prompts' | 'notes'): Promise<string> {
	return session.call('b', 'announce_change', { what });
}

/** Takes up to `expected` notifications, waiting for each, and returns how many arrived. */
async function takeAll(inbox: Inbox, method: string, expected: number): Promise<number> {
	for (let taken = 0; taken < expected; taken += 1) {
		const arrived = await inbox.take(method).then(
			() => true,
			() => false,
		);
		if (!arrived) return taken;
	}
	return expected;
}

/** Returns how many notifications are left once a later one of another kind has arrived. */
async function countExtra({ session }: Scene, inbox: Inbox, method: string): Promise<number> {
	await announceOnB(session, 'prompts');
	await inbox.take(promptsChanged);
	return inbox.count(method);
}

async function openSession(scene: Scene): Promise<SessionClient> {
	await scene.session.open('a');
	expect(await scene.session.streamOpened).toBe(200);
	return scene.session;
}

describe.each(workerdVersions)('on workerd %s', (version) => {
	// Shared: each test has sessions of its own.
	let workers: NotesWorkers;
	let scene: Scene;

	beforeAll(async () => {
		workers = await startNotesWorkers({ version, onLog: () => undefined });
	});
	afterAll(() => workers.stop());
	beforeEach(() => {
		scene = createScene(workers);
	});
	afterEach(() => closeClients(scene));

	test(`${total} of ${total} list_changed raised on B by a tool that returns immediately reach a stream on A exactly once`, async () => {
		const { inbox } = await openSession(scene);
		for (let raised = 0; raised < total; raised += 1) await announceOnB(scene.session, 'tools');
		expect(await takeAll(inbox, toolsChanged, total)).toBe(total);
		expect(await countExtra(scene, inbox, toolsChanged)).toBe(0);
	});

	test(`${total} of ${total} list_changed raised concurrently reach a stream on A exactly once`, async () => {
		const { inbox } = await openSession(scene);
		await scene.session.on('b', (client) =>
			Promise.all(
				Array.from({ length: total }, () =>
					client.callTool({ name: 'announce_change', arguments: { what: 'tools' } }),
				),
			),
		);
		expect(await takeAll(inbox, toolsChanged, total)).toBe(total);
		expect(await countExtra(scene, inbox, toolsChanged)).toBe(0);
	});

	test(`${total} of ${total} resources/updated raised on B reach only the subscriber on A, exactly once`, async () => {
		const { session, witness } = scene;
		const { inbox } = await openSession(scene);
		await witness.open('a');
		await witness.streamOpened;
		await session.client.subscribeResource({ uri: 'notes://all' });
		for (let raised = 0; raised < total; raised += 1) await announceOnB(session, 'notes');
		expect(await takeAll(inbox, notesUpdated, total)).toBe(total);
		expect(await countExtra(scene, inbox, notesUpdated)).toBe(0);
		await witness.inbox.take(promptsChanged);
		expect(witness.inbox.count(notesUpdated)).toBe(0);
	});

	test('a session-based elicitation waits three seconds for its client response', async () => {
		const session = await openSession(scene);
		await session.call('b', 'add_note', { text: 'to be deleted' });
		session.responseDelayMs = 3_000;
		const start = performance.now();
		expect(await session.call('b', 'clear_notes')).toBe('Notes deleted: 1');
		expect(performance.now() - start).toBeGreaterThanOrEqual(3_000);
		expect(session.elicitations).toEqual(['Delete all notes?']);
	});

	test.each(['fin', 'rst'] as const)(
		'after a GET stream loses its connection (%s), the next GET on either Worker returns 200 within a second and receives messages',
		async (cause) => {
			const session = await openSession(scene);
			const id = session.transport.sessionId ?? '';
			let stream = await RawStream.open(endpoint(scene.workers, 'a'), id);
			expect(stream.status).toBe(200);
			for (const worker of ['a', 'b', 'a'] as const) {
				stream.destroy(cause);
				const start = performance.now();
				stream = await RawStream.open(endpoint(scene.workers, worker), id);
				expect(stream.status).toBe(200);
				expect(performance.now() - start).toBeLessThan(1_000);
				await announceOnB(session, 'tools');
				await stream.received(toolsChanged);
				expect(stream.count(toolsChanged)).toBe(1);
			}
			stream.destroy(cause);
		},
	);
});

// Bursts with pauses between them that are longer than the ten seconds after which an idle object
// hibernates (workerd of 2026-07-30 and 2026-11-17).
const bursts = 5;
const pauseMs = 15_000;

describe.concurrent('a 2026-07-28 subscription and a GET stream that are open for a minute', () => {
	test.each(workerdVersions)(
		`receive ${total} of ${total} on workerd %s, with pauses in which the object can hibernate`,
		{ timeout: 120_000 },
		async (version: WorkerdVersion) => {
			const scene = await setScene({ version, onLog: () => undefined });
			try {
				const session = await openSession(scene);
				await scene.stateless.open('a');
				await scene.stateless.client.listen({ toolsListChanged: true, promptsListChanged: true });
				// Counts evictions: 0 means that the object had hibernated although streams are open.
				const evictions: number[] = [];
				for (let burst = 0; burst < bursts; burst += 1) {
					if (burst > 0) {
						await delay(pauseMs);
						evictions.push(await evictSyncLayer(scene.workers));
					}
					for (let raised = 0; raised < total / bursts; raised += 1) {
						await announceOnB(session, 'tools');
					}
				}
				// On workerd of 2026-07-30, Workers check their sockets every 15 s, which wakes the object.
				if (version === 'current') expect(evictions).toEqual([0, 0, 0, 0]);
				for (const { inbox } of [scene.stateless, session]) {
					expect(await takeAll(inbox, toolsChanged, total)).toBe(total);
				}
				expect(await countExtra(scene, scene.stateless.inbox, toolsChanged)).toBe(0);
				expect(session.inbox.count(toolsChanged)).toBe(0);
			} finally {
				await clearScene(scene);
			}
		},
	);
});
