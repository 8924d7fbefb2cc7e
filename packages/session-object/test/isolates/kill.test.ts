import { seededRandom } from '@tmcp-sessions/testkit';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { WorkingClient } from './working-client.ts';

const SESSIONS = 200;
const WORK_MS = 12_000;
const RESTARTS = 2;
/** Of evictions, and of resets: a machine that is slow takes longer to do as many. */
const LEAST_DISTURBANCES = 11;
/** Printed, so that a run that fails can be run again. */
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

describe.each<{ version: WorkerdVersion; isReset: boolean }>([
	// A request that holds sockets freezes there when their object is reset.
	{ version: '2026-07-30', isReset: false },
	{ version: 'current', isReset: true },
])('200 sessions at work on workerd $version, seed ' + seed, ({ version, isReset }) => {
	it(
		'lose no session, no context that was acknowledged and no call in flight to evictions, resets and restarts',
		{ timeout: 120_000 },
		async () => {
			const random = seededRandom(seed);
			const workers = await startWorkers({
				entry: join(import.meta.dirname, '../fixture/isolate.ts'),
				workers: ['a', 'b'],
				version,
				kvNamespaces: [],
				durableObjects: { WORKING: 'WorkingSession' },
				onLog: () => {},
			});
			try {
				const clients = Array.from(
					{ length: SESSIONS },
					() => new WorkingClient(() => workers.url(random() < 0.5 ? 'a' : 'b')),
				);
				await inBatches(clients, (client) => client.open());
				const deadline = Date.now() + WORK_MS;
				const done: Disturbances = { evicted: 0, resets: 0, restarts: 0 };
				const isOver = (): boolean =>
					Date.now() >= deadline &&
					done.evicted >= LEAST_DISTURBANCES &&
					(!isReset || done.resets >= LEAST_DISTURBANCES);
				const disturbances = disturb(workers, clients, random, isReset, isOver, done);
				await Promise.all(clients.map((client) => work(client, random, isOver)));
				await disturbances;
				expect(done.restarts, 'restarts').toBe(RESTARTS);

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

async function disturb(
	workers: Workers<'a' | 'b'>,
	clients: readonly WorkingClient[],
	random: () => number,
	isReset: boolean,
	isOver: () => boolean,
	done: Disturbances,
): Promise<void> {
	const any = (): string => clients[Math.floor(random() * clients.length)]?.object ?? '';
	let isRestarting = false;
	const disturber = async (): Promise<void> => {
		while (!isOver()) {
			await pause(50);
			if (isRestarting) continue;
			if (isReset && random() < 0.5) {
				const url = new URL(`/reset?object=${any()}`, workers.url('b'));
				const signal = AbortSignal.timeout(2_000);
				const said = await fetch(url, { signal }).then((response) => response.text(), String);
				if (said.includes('reset by a test')) done.resets += 1;
				continue;
			}
			const webSockets = random() < 0.5 ? 'hibernate' : 'close';
			const evicting = workers.miniflare
				.unsafeEvictDurableObject('a', 'WorkingSession', { id: any(), webSockets })
				.then(
					() => void (done.evicted += 1),
					() => {}, // It is not in memory, or the server is down.
				);
			// One that is at work is evicted when it is through.
			await Promise.race([evicting, pause(1_000)]);
		}
	};
	const restarter = async (): Promise<void> => {
		for (let restart = 0; restart < RESTARTS; restart++) {
			await pause(WORK_MS / (RESTARTS + 1));
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
