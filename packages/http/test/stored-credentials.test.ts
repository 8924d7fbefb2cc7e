import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';
import type { IncomingResponse } from './endpoint.ts';
import { deployments, FIXTURE } from './requirements/deployments.ts';

/** Reads every file below a folder: the databases of KV, Durable Objects and R2, and their values. */
async function everythingIn(folder: string): Promise<Buffer> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile());
	const contents = files.map(async ({ parentPath, name }) => {
		try {
			return await readFile(join(parentPath, name));
		} catch (error) {
			// SQLite removes the shared memory of a database that is closed.
			if (name.endsWith('-shm')) return Buffer.alloc(0);
			throw error;
		}
	});
	return Buffer.concat(await Promise.all(contents));
}

/** Returns the part of a session id that only its client may know, and one that is stored. */
function partsOf(session: string): { credential: string; stored: string } {
	const [version, , random = '', mac = ''] = session.split('.');
	// A sealed id: the random bits, and what they seal.
	if (version === '2') return { credential: random.slice(32), stored: random.slice(0, 32) };
	return { credential: mac, stored: random };
}

/** Uses everything that stores something or opens a socket. */
async function exchange(
	isolateA: Endpoint,
	isolateB: Endpoint,
): Promise<{ session: string; open: IncomingResponse[] }> {
	const session = await isolateA.initialize();
	const stream = await isolateB.openStream(session);
	const requests = [
		{ id: 1, method: 'logging/setLevel', params: { level: 'debug' } },
		{ id: 2, method: 'resources/subscribe', params: { uri: 'test://a' } },
	];
	for (const request of requests) await (await isolateA.post(request, session)).ended;
	// Lasts long enough to become resumable, and to have an inbox.
	const call = await isolateA.startCall('sleep', session, { ms: 2_000, note: 'x' }, 'long');
	await isolateB.call('update', session, { uri: 'test://a' });
	await stream.waitFor('notifications/resources/updated');
	await call.ended;
	return { session, open: [stream] };
}

describe('the storage of a deployment', () => {
	it('has the internal ids of sessions and no session id, on every deployment', async () => {
		const storagePath = await mkdtemp(join(tmpdir(), 'tmcp-sessions-storage-'));
		const workers = await startWorkers({ ...FIXTURE, storagePath, onLog: () => {} });
		try {
			for (const name of deployments.filter((each) => each !== 'redis')) {
				const isolateA = new Endpoint(workers.url('a'), `/${name}/plain`);
				const isolateB = new Endpoint(workers.url(name === 'memory' ? 'a' : 'b'), `/${name}/plain`);
				const { session, open } = await exchange(isolateA, isolateB);
				const { credential, stored } = partsOf(session);
				expect(credential.length, name).toBeGreaterThan(40);
				const contents = await everythingIn(storagePath);
				expect(contents.includes(stored), `${name} stores the internal id`).toBe(name !== 'memory');
				expect(contents.includes(credential), `${name} stores the credential`).toBe(false);
				await isolateA.endSession(session);
				await Promise.all(open.map(({ ended }) => ended));
				expect((await everythingIn(storagePath)).includes(credential), name).toBe(false);
			}
		} finally {
			await workers.stop();
			await rm(storagePath, { recursive: true, force: true });
		}
	}, 60_000);
});
