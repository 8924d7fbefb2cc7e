import { seededRandom } from '@tmcp-sessions/testkit';
import { expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';

const RACES = 40;
/** A GET and a DELETE of two isolates take some milliseconds each. */
const LONGEST_DELAY_MS = 12;
/** A stream that was opened too late ends at once. */
const END_MS = 3_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describeEachDeployment((deployment) => {
	it('hazard get-during-delete: leaves no stream open that a GET opens while a DELETE ends the session', async () => {
		const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
		console.log(`seed ${seed}`);
		const random = seededRandom(seed);
		const { isolateA, isolateB } = deployment.endpoint();
		const statuses = new Map<number, number>();
		for (let race = 0; race < RACES; race++) {
			const session = await isolateA.initialize();
			const [getMs, deleteMs] = [random() * LONGEST_DELAY_MS, random() * LONGEST_DELAY_MS];
			const opening = pause(getMs).then(() => isolateB.openStream(session));
			await pause(deleteMs);
			expect([200, 204]).toContain((await isolateA.endSession(session)).status);
			const stream = await opening;
			await Promise.race([stream.ended, pause(END_MS)]);
			expect(stream.hasEnded, `race ${race}: ${stream.text}`).toBe(true);
			statuses.set(stream.status, (statuses.get(stream.status) ?? 0) + 1);
		}
		expect([...statuses.keys()].every((status) => status === 200 || status === 404)).toBe(true);
	});
});
