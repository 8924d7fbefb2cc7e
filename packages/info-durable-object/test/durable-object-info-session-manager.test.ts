import {
	CLIENT_INFO,
	createCountedDurableObject,
	ObjectRpcCounter,
	testInfoSessionManager,
	testSessionAdministration,
	TransportClient,
} from '@tmcp-sessions/testkit';
import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';
import { DurableObjectInfoSessionManager } from '../src/index.ts';
import { evictAll, objectOfSession, namespace } from './shards.ts';

const errors: Error[] = [];
const onError = (error: Error): void => void errors.push(error);
// Created at module scope, as in a Worker.
const missing = new DurableObjectInfoSessionManager('MISSING', { onError });

testInfoSessionManager('DurableObjectInfoSessionManager', {
	manager: (options) => new DurableObjectInfoSessionManager('TMCP_SESSION_SHARD', { ...options }),
	evict: evictAll,
});

testSessionAdministration('DurableObjectInfoSessionManager', {
	manager: (options) => new DurableObjectInfoSessionManager('TMCP_SESSION_SHARD', { ...options }),
});

describe('DurableObjectInfoSessionManager', () => {
	afterEach(() => {
		errors.length = 0;
	});

	it('lists the sessions of every shard, and rejects a cursor that it has not made', async () => {
		const info = new DurableObjectInfoSessionManager();
		const ids = ['1.weur3.', '1.oc0.', '1.7.', '1.0.'].map((start) => start + crypto.randomUUID());
		for (const id of ids) {
			info.setClientInfo(id, CLIENT_INFO);
			await info.flush(id);
		}
		const elsewhere = new DurableObjectInfoSessionManager();
		const listed: string[] = [];
		let cursor: string | undefined;
		do {
			const page = await elsewhere.listSessions?.({ cursor, limit: 5 });
			listed.push(...(page?.sessions ?? []).map(({ id }) => id));
			cursor = page?.cursor;
		} while (cursor !== undefined);
		expect(listed.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
		for (const wrong of ['', 'x', '["0",16,""]', '["mars",0,""]', '["0",0.5,""]', '[]', '7']) {
			await expect(elsewhere.listSessions?.({ cursor: wrong })).rejects.toMatchObject({
				code: 'configuration',
			});
		}
	});

	it('makes 1 RPC for initialize, 1 for a request and 1 more for a log level', async () => {
		const counter = new ObjectRpcCounter();
		const info = (): DurableObjectInfoSessionManager =>
			new DurableObjectInfoSessionManager(createCountedDurableObject(namespace, counter));
		const first = info();
		const session = await new TransportClient(first).initialize();
		await first.flush(session);
		expect(counter.take()).toEqual(['create']);

		await new TransportClient(info()).post({ id: 2, method: 'ping' }, session);
		expect(counter.take()).toEqual(['read']);

		const other = info();
		await new TransportClient(other).setLogLevel('error', session);
		await other.flush(session);
		expect(counter.take()).toEqual(['read', 'update']);
	});

	it('reports a corrupt record and treats the session as unknown', async () => {
		const info = new DurableObjectInfoSessionManager(namespace, { onError });
		const session = crypto.randomUUID();
		await objectOfSession(session).create(session, '{"logLevel":"debug"', Date.now() + 60_000);
		expect(await info.getLogLevel(session)).toBeUndefined();
		expect(errors.map(({ name }) => name)).toEqual(['CorruptRecordError']);
		await runInDurableObject(objectOfSession(session), async (object) => {
			expect(await object.update(session, {}, Date.now())).toMatchObject({ outcome: 'corrupt' });
		});
	});

	it('reports a missing binding at first use, also of a setter', async () => {
		expect(errors).toEqual([]);
		missing.setClientInfo('a', CLIENT_INFO);
		await expect(missing.flush('a')).rejects.toMatchObject({ name: 'BindingError' });
		expect(errors.map(({ name }) => name)).toEqual(['BindingError']);
		expect(errors[0]?.message).toContain('the binding MISSING must be a Durable Object namespace');
	});
});
