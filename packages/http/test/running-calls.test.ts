import { seededRandom } from '@tmcp-sessions/testkit';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';
import type { IncomingResponse } from './endpoint.ts';
import { FIXTURE } from './requirements/deployments.ts';

/** CALLS=1000 runs the full number, on an idle machine. */
const CALLS = Number(process.env['CALLS'] ?? 120);
const CALLS_OF_A_SESSION = 60;
/** Longer than it takes to find out that a call is lost. Workers end a call 30 s after its client left. */
const CALL_MS = 26_000;
const FAULTS_MS = 24_000;
const LONGEST_PAUSE_MS = 1_500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const lastId = ({ text }: IncomingResponse): string =>
	[...text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? '';

describe('calls that run while their object is evicted', { timeout: 180_000 }, () => {
	let workers: Workers<'a' | 'b'>;
	beforeAll(async () => {
		// Lost sockets are reported.
		workers = await startWorkers({ ...FIXTURE, onLog: () => {} });
	}, 60_000);
	afterAll(() => workers.stop());

	it(`hazard running-calls: tells none of ${CALLS} clients that its call was interrupted, and each its own result`, async () => {
		const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
		console.log(`seed ${seed}`);
		const random = seededRandom(seed);
		const path = '/durable-object/plain';
		const headers = { 'mcp-protocol-version': '2025-11-25' };
		const isolate = (): Endpoint =>
			new Endpoint(workers.url(random() < 0.5 ? 'a' : 'b'), path, headers);
		const sessions: string[] = [];
		for (let opened = 0; opened < CALLS; opened += CALLS_OF_A_SESSION) {
			sessions.push(await isolate().initialize());
		}
		const end = Date.now() + FAULTS_MS;
		const disturb = async (): Promise<void> => {
			while (Date.now() < end) {
				await pause(random() * LONGEST_PAUSE_MS);
				const webSockets = random() < 0.7 ? 'close' : 'hibernate';
				await workers.evict({ className: 'SyncLayer', webSockets });
			}
		};
		const run = async (index: number): Promise<string> => {
			const session = sessions[index % sessions.length] ?? '';
			await pause(random() * 1_000);
			const note = `${seed}-${index}`;
			const call = await isolate().startCall('sleep', session, { ms: CALL_MS, note }, index);
			await call.waitFor('id: call/', 1, 20_000);
			call.destroy();
			let lastEventId = lastId(call);
			for (;;) {
				await pause(random() * 2_000);
				const client = isolate().with({ 'last-event-id': lastEventId });
				const resumed = await client.openStream(session);
				// Some clients stay, others leave and come back.
				const stays = random() < 0.7 ? CALL_MS : random() * 4_000;
				await Promise.race([resumed.ended, pause(stays)]);
				resumed.destroy();
				lastEventId = lastId(resumed) || lastEventId;
				const response = resumed.messages.find(({ method }) => method === undefined);
				if (response) return response.id === index ? JSON.stringify(response) : 'of another call';
			}
		};
		const running = Array.from({ length: CALLS }, (_, index) => run(index));
		await disturb();
		const responses = await Promise.all(running);
		const wrong = responses.filter((text, index) => !text.includes(`slept: ${seed}-${index}"`));
		expect(wrong).toEqual([]);
	});
});
