import { setTimeout as delay } from 'node:timers/promises';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Inbox } from '../demo/inbox.ts';
import { endpoint, evictSyncLayer } from '../demo/notes-workers.ts';
import { clearScene, setScene } from '../demo/scene.ts';
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

/** Takes what has come in, waiting for what has not; gives how many there were up to `expected`. */
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

/** One more change of another kind: once that is in, nothing sent before it is still on its way. */
async function nothingMore({ session }: Scene, inbox: Inbox, method: string): Promise<number> {
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
	let scene: Scene;

	beforeEach(async () => {
		scene = await setScene({ version, onLog: () => undefined });
	});
	afterEach(() => clearScene(scene));

	test(`${total} of ${total} list_changed raised on B by a tool that returns at once reach a stream on A, each once`, async () => {
		const { inbox } = await openSession(scene);
		for (let raised = 0; raised < total; raised += 1) await announceOnB(scene.session, 'tools');
		expect(await takeAll(inbox, toolsChanged, total)).toBe(total);
		expect(await nothingMore(scene, inbox, toolsChanged)).toBe(0);
	});

	test(`${total} of ${total} list_changed raised at the same time reach a stream on A, each once`, async () => {
		const { inbox } = await openSession(scene);
		await scene.session.on('b', (client) =>
			Promise.all(
				Array.from({ length: total }, () =>
					client.callTool({ name: 'announce_change', arguments: { what: 'tools' } }),
				),
			),
		);
		expect(await takeAll(inbox, toolsChanged, total)).toBe(total);
		expect(await nothingMore(scene, inbox, toolsChanged)).toBe(0);
	});

	test(`${total} of ${total} resources/updated raised on B reach a subscriber on A, each once, and nobody else`, async () => {
		const { session, witness } = scene;
		const { inbox } = await openSession(scene);
		await witness.open('a');
		await witness.streamOpened;
		await session.client.subscribeResource({ uri: 'notes://all' });
		for (let raised = 0; raised < total; raised += 1) await announceOnB(session, 'notes');
		expect(await takeAll(inbox, notesUpdated, total)).toBe(total);
		expect(await nothingMore(scene, inbox, notesUpdated)).toBe(0);
		await witness.inbox.take(promptsChanged);
		expect(witness.inbox.count(notesUpdated)).toBe(0);
	});

	test('an elicitation of the session era is answered after three seconds', async () => {
		const session = await openSession(scene);
		await session.call('b', 'add_note', { text: 'to be deleted' });
		session.answerAfterMs = 3_000;
		const start = performance.now();
		expect(await session.call('b', 'clear_notes')).toBe('Notes deleted: 1');
		expect(performance.now() - start).toBeGreaterThanOrEqual(3_000);
		expect(session.questions).toEqual(['Delete all notes?']);
	});

	test.each(['fin', 'rst'] as const)(
		'after a GET stream was destroyed without a goodbye (%s) the next GET is a 200 at once, on each Worker, and is the one that hears',
		async (how) => {
			const session = await openSession(scene);
			const id = session.transport.sessionId ?? '';
			let stream = await RawStream.open(endpoint(scene.workers, 'a'), id);
			expect(stream.status).toBe(200);
			for (const worker of ['a', 'b', 'a'] as const) {
				stream.destroy(how);
				const start = performance.now();
				stream = await RawStream.open(endpoint(scene.workers, worker), id);
				expect(stream.status).toBe(200);
				expect(performance.now() - start).toBeLessThan(1_000);
				await announceOnB(session, 'tools');
				await stream.heard(toolsChanged);
				expect(stream.count(toolsChanged)).toBe(1);
			}
			stream.destroy(how);
		},
	);
});

// Bursts with longer silences between them than the ten seconds after which an object hibernates.
const bursts = 5;
const silenceMs = 15_000;

describe.concurrent('a listener of 2026-07-28 and a GET stream that are open for a minute', () => {
	test.each(workerdVersions)(
		`are told ${total} of ${total} on workerd %s, through silences in which the object hibernates`,
		{ timeout: 120_000 },
		async (version: WorkerdVersion) => {
			const scene = await setScene({ version, onLog: () => undefined });
			try {
				const session = await openSession(scene);
				await scene.stateless.open('a');
				await scene.stateless.client.listen({ toolsListChanged: true, promptsListChanged: true });
				// Where there is nothing to evict, the object has left memory although streams are open.
				const inMemory: number[] = [];
				for (let burst = 0; burst < bursts; burst += 1) {
					if (burst > 0) {
						await delay(silenceMs);
						inMemory.push(await evictSyncLayer(scene.workers));
					}
					for (let raised = 0; raised < total / bursts; raised += 1) {
						await announceOnB(session, 'tools');
					}
				}
				expect(inMemory).toEqual([0, 0, 0, 0]);
				for (const { inbox } of [scene.stateless, session]) {
					expect(await takeAll(inbox, toolsChanged, total)).toBe(total);
				}
				expect(await nothingMore(scene, scene.stateless.inbox, toolsChanged)).toBe(0);
				expect(session.inbox.count(toolsChanged)).toBe(0);
			} finally {
				await clearScene(scene);
			}
		},
	);
});
