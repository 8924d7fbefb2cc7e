import {
	CLIENT_INFO,
	createCountedKV,
	OperationCounter,
	createRateLimitedKV,
	testInfoSessionManager,
	testSessionAdministration,
	TransportClient,
} from '@tmcp-sessions/testkit';
import { hasSessionAdministration } from '@tmcp-sessions/core';
import { runInScope } from '@tmcp-sessions/core/internal';
import { afterEach, describe, expect, it } from 'vitest';
import { KVInfoSessionManager } from '../src/kv-info-session-manager.ts';
import { namespace } from './bindings.ts';

const errors: Error[] = [];
const onError = (error: Error): void => void errors.push(error);
// Created at module scope, as in a Worker.
const missing = new KVInfoSessionManager('MISSING', { onError });

testInfoSessionManager('KVInfoSessionManager', {
	manager: (options) => new KVInfoSessionManager('TMCP_SESSION_INFO', options),
});

testSessionAdministration('KVInfoSessionManager', {
	manager: (options) =>
		new KVInfoSessionManager('TMCP_SESSION_INFO', { ...options, administration: true }),
});

describe('KVInfoSessionManager', () => {
	afterEach(() => {
		errors.length = 0;
	});

	it('stores a log level that is set right after initialize, despite the limit of one write per second', async () => {
		const info = new KVInfoSessionManager(createRateLimitedKV(namespace, Date.now), { onError });
		const client = new TransportClient(info);
		const session = await client.initialize();
		await client.setLogLevel('error', session);
		expect(await info.getLogLevel(session)).toBe('error');
		await info.flush(session);
		expect(errors).toEqual([]);
		expect(await new KVInfoSessionManager().getLogLevel(session)).toBe('error');
	}, 10_000);

	it('makes 1 more write for the session of a principal, and only with administration', async () => {
		for (const administration of [false, true]) {
			const counter = new OperationCounter();
			const kv = createCountedKV(namespace, counter);
			const info = new KVInfoSessionManager(kv, { administration, onError });
			expect(hasSessionAdministration(info)).toBe(administration);
			for (const subject of ['', 'alice']) {
				await runInScope({ waitUntil: () => {}, subject }, async () => {
					const id = crypto.randomUUID();
					info.setClientInfo(id, CLIENT_INFO);
					await info.flush(id);
				});
				const writes = administration && subject !== '' ? 2 : 1;
				expect(counter.take()).toEqual({ reads: 0, writes, lists: 0, deletes: 0 });
			}
		}
	});

	it('stores no principal', async () => {
		const info = new KVInfoSessionManager(namespace, { administration: true, onError });
		const subject = crypto.randomUUID();
		await runInScope({ waitUntil: () => {}, subject }, async () => {
			info.setClientInfo(subject.slice(0, 8), CLIENT_INFO);
			await info.flush(subject.slice(0, 8));
		});
		const { keys } = await namespace.list({ prefix: 'tmcp:of:' });
		expect(keys.filter(({ name }) => name.endsWith(subject.slice(0, 8)))).toHaveLength(1);
		expect(JSON.stringify((await namespace.list()).keys)).not.toContain(subject);
	});

	it('makes 1 write for initialize and 1 read for a request', async () => {
		const counter = new OperationCounter();
		const info = new KVInfoSessionManager(createCountedKV(namespace, counter));
		const session = await new TransportClient(info).initialize();
		await info.flush(session);
		expect(counter.take()).toEqual({ reads: 0, writes: 1, lists: 0, deletes: 0 });

		const other = new TransportClient(
			new KVInfoSessionManager(createCountedKV(namespace, counter)),
		);
		await other.post({ id: 2, method: 'ping' }, session);
		expect(counter.take()).toEqual({ reads: 1, writes: 0, lists: 0, deletes: 0 });
	});

	it('reports a corrupt record and treats the session as unknown', async () => {
		const info = new KVInfoSessionManager('TMCP_SESSION_INFO', { onError });
		const session = crypto.randomUUID();
		await namespace.put(`tmcp:session:${session}`, '{"logLevel":"debug"');
		expect(await info.getLogLevel(session)).toBeUndefined();
		expect(errors.map(({ name }) => name)).toEqual(['CorruptRecordError']);
	});

	it('reports a missing binding at first use, also of a setter', async () => {
		expect(errors).toEqual([]);
		missing.setClientInfo('a', CLIENT_INFO);
		await expect(missing.flush('a')).rejects.toMatchObject({ name: 'BindingError' });
		expect(errors.map(({ name }) => name)).toEqual(['BindingError']);
		expect(errors[0]?.message).toContain('the binding MISSING must be a Workers KV namespace');
	});
});
