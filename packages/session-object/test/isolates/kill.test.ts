import { seededRandom } from '@tmcp-sessions/testkit';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { describe, expect, it } from 'vitest';

import { WorkingClient } from './working-client.ts';
import { startWorking } from './working-workers.ts';

const SESSIONS = 200;
/** So often each: by number and not by time, which a busy machine has too little of. */
const EVICTIONS = 20;
const RESETS = 20;
const RESTARTS = 2;
const LONGEST_MS = 100_000;
/** Printed, so that a run that fails can be run again. */
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

describe.each(workerdVersions)('200 sessions at work on workerd %s, seed ' + seed, (version) => {
	it(
		'lose no session, no context that was acknowledged and no call in flight to evictions, resets and restarts',
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
				const deadline = Date.now() + LONGEST_MS;
				const isOver = (): boolean => isEnough(done) || Date.now() >= deadline;
				await Promise.all([
					disturb(workers, clients, random, done, isOver),
					...clients.map((client) => work(client, random, isOver)),
				]);
				expect(isEnough(done), JSON.stringify(done)).toBe(true);

				await inBatches(clients, (client) => client.count());
				expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
				let begun = 0;
				for (const client of clients) {
					begun += await client.started();
					await expect
						.poll(() => client.unfinished(), { timeout: 10_000, interval: 200 })
						.toEqual([]);
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

async function work(
	client: WorkingClient,
	random: () => number,
	isOver: () => boolean,
): Promise<void> {
	while (!isOver()) {
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
	isOver: () => boolean,
): Promise<void> {
	const any = (): string => clients[Math.floor(random() * clients.length)]?.object ?? '';
	let isRestarting = false;
	const reset = async (): Promise<void> => {
		const url = new URL(`/reset?object=${any()}`, workers.url('b'));
		const said = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
			(response) => response.text(),
			String,
		);
		if (said.includes('reset by a test')) done.resets += 1;
	};
	const evict = async (): Promise<void> => {
		const webSockets = random() < 0.5 ? 'hibernate' : 'close';
		const evicting = workers.miniflare
			.unsafeEvictDurableObject('a', 'WorkingSession', { id: any(), webSockets })
			.then(
				() => void (done.evicted += 1),
				() => {}, // It is not in memory, or the server is down.
			);
		// One that is at work is evicted when it is through.
		await Promise.race([evicting, pause(1_000)]);
	};
	const disturber = async (): Promise<void> => {
		while (!isOver()) {
			await pause(50);
			if (isRestarting) continue;
			await (random() < 0.5 ? reset() : evict());
		}
	};
	const restarter = async (): Promise<void> => {
		for (let restart = 1; restart <= RESTARTS; restart++) {
			const before = ((EVICTIONS + RESETS) * restart) / (RESTARTS + 1);
			while (done.evicted + done.resets < before && !isOver()) await pause(50);
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
	work: (item: Item) => Promise<void>,
): Promise<void> {
	for (let start = 0; start < items.length; start += 25) {
		await Promise.all(items.slice(start, start + 25).map(work));
	}
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
