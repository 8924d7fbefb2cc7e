import { seededRandom } from '@tmcp-sessions/testkit';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { describe, expect, it } from 'vitest';

import { WorkingClient } from './working-client.ts';
import { startWorking } from './working-workers.ts';

const SESSIONS = 200;
/** The number of each disturbance. A number, not a time, since a busy machine does less in a given time. */
const EVICTIONS = 20;
const RESETS = 20;
const RESTARTS = 2;
const MAX_DURATION_MS = 100_000;
/** Printed, so that a failed run can be repeated. */
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

describe.each(workerdVersions)('200 active sessions on workerd %s, seed ' + seed, (version) => {
	it(
		'lose no session, no acknowledged context and no call in flight through evictions, resets and restarts',
		{ timeout: 180_000 },
		async () => {
			const random = seededRandom(seed);
			const workers = await startWorking(version, () => {});
			try {
				const clients = Array.from(
					{ length: SESSIONS },
					() => new WorkingClient(() => workers.url(random() < 0.5 ? 'a' : 'b')),
				);
				await inBatches(clients, (client) => client.open());
				const done: Disturbances = { evicted: 0, resets: 0, restarts: 0 };
				const deadline = Date.now() + MAX_DURATION_MS;
				const hasEnded = (): boolean => isEnough(done) || Date.now() >= deadline;
				await Promise.all([
					disturb(workers, clients, random, done, hasEnded),
					...clients.map((client) => generateLoad(client, random, hasEnded)),
				]);
				expect(isEnough(done), JSON.stringify(done)).toBe(true);

				await inBatches(clients, (client) => client.count());
				expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
				let begun = 0;
				for (const client of clients) {
					begun += await client.started();
					await expect.poll(() => client.unfinished(), { interval: 200 }).toEqual([]);
				}
				expect(begun).toBeGreaterThan(SESSIONS / 4);
				expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
				const counted = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
				const retries = clients.reduce((sum, client) => sum + client.retries, 0);
				console.info(`${version}:`, { ...done, counted, begun, retries });
			} finally {
				await workers.stop();
			}
		},
	);
});

async function generateLoad(
	client: WorkingClient,
	random: () => number,
	hasEnded: () => boolean,
): Promise<void> {
	while (!hasEnded()) {
		if (random() < 0.4) client.start(200 + random() * 2_000);
		await client.count();
		await pause(random() * 1_000);
	}
}

interface Disturbances {
	evicted: number;
	resets: number;
	restarts: number;
}

function isEnough({ evicted, resets, restarts }: Disturbances): boolean {
	return evicted >= EVICTIONS && resets >= RESETS && restarts >= RESTARTS;
}

async function disturb(
	workers: Workers<'a' | 'b'>,
	clients: readonly WorkingClient[],
	random: () => number,
	done: Disturbances,
	hasEnded: () => boolean,
): Promise<void> {
	const randomObject = (): string => clients[Math.floor(random() * clients.length)]?.object ?? '';
	let isRestarting = false;
	const reset = async (): Promise<void> => {
		const url = new URL(`/reset?object=${randomObject()}`, workers.url('b'));
		const text = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
			(response) => response.text(),
			String,
		);
		if (text.includes('reset by a test')) done.resets += 1;
	};
	const evict = async (): Promise<void> => {
		const webSockets = random() < 0.5 ? 'hibernate' : 'close';
		const evicting = workers.miniflare
			.unsafeEvictDurableObject('a', 'WorkingSession', { id: randomObject(), webSockets })
			.then(
				() => void (done.evicted += 1),
				() => {}, // The object is not in memory, or the server is down.
			);
		// An active object is evicted only when its work has ended.
		await Promise.race([evicting, pause(1_000)]);
	};
	const disturber = async (): Promise<void> => {
		while (!hasEnded()) {
			await pause(50);
			if (isRestarting) continue;
			await (random() < 0.5 ? reset() : evict());
		}
	};
	const restarter = async (): Promise<void> => {
		for (let restart = 1; restart <= RESTARTS; restart++) {
			const before = ((EVICTIONS + RESETS) * restart) / (RESTARTS + 1);
			while (done.evicted + done.resets < before && !hasEnded()) await pause(50);
			isRestarting = true;
			await workers.restart();
			isRestarting = false;
			done.restarts += 1;
		}
	};
	await Promise.all([restarter(), ...Array.from({ length: 8 }, disturber)]);
}

async function inBatches<Item>(
	items: readonly Item[],
	run: (item: Item) => Promise<void>,
): Promise<void> {
	for (let start = 0; start < items.length; start += 25) {
		await Promise.all(items.slice(start, start + 25).map(run));
	}
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
