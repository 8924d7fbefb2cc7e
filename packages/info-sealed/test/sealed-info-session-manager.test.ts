import {
	hasSessionAdministration,
	InMemorySessionStore,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	CLIENT_INFO,
	testInfoSessionManager,
	testSessionAdministration,
} from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { SealedInfoSessionManager } from '../src/index.ts';
import { initialize, Isolate, newKey, send, serve } from './endpoint.ts';

const keys = [newKey()];
const memory = new InMemorySessionStore();

const rests = {
	memory: () => new StoredInfoSessionManager(memory),
	KVInfoSessionManager: () => new KVInfoSessionManager(),
	DurableObjectInfoSessionManager: () => new DurableObjectInfoSessionManager(),
};

for (const [name, rest] of Object.entries(rests)) {
	testInfoSessionManager(`SealedInfoSessionManager over ${name}`, {
		manager: (options) =>
			new SealedInfoSessionManager({ ...options, keys, rest: rest(), recheckSeconds: 0 }),
	});
}

const administered = {
	...rests,
	KVInfoSessionManager: () => new KVInfoSessionManager(undefined, { administration: true }),
};

for (const [name, rest] of Object.entries(administered)) {
	testSessionAdministration(`SealedInfoSessionManager over ${name}`, {
		manager: (options) =>
			new SealedInfoSessionManager({
				...options,
				keys,
				administration: true,
				rest: rest(),
				recheckSeconds: 0,
			}),
	});
}

describe('the administration of sealed sessions', () => {
	it('needs administration, and a rest that has it', () => {
		const rest = rests.memory();
		expect(hasSessionAdministration(new SealedInfoSessionManager({ keys, rest }))).toBe(false);
		const alone = new SealedInfoSessionManager({ keys, administration: true });
		expect(hasSessionAdministration(alone)).toBe(false);
		const withRest = new SealedInfoSessionManager({ keys, rest, administration: true });
		expect(hasSessionAdministration(withRest)).toBe(true);
	});
});

describe('a session of a bare HttpTransport', () => {
	it('is stored in rest', async () => {
		const info = new SealedInfoSessionManager({ keys, rest: rests.memory() });
		const session = crypto.randomUUID();
		info.setClientInfo(session, CLIENT_INFO);
		await info.flush(session);
		expect(await rests.memory().getClientInfo(session)).toEqual(CLIENT_INFO);
		expect(await info.getClientInfo(session)).toEqual(CLIENT_INFO);
	});

	it('is rejected without rest, with the fix', async () => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const info = new SealedInfoSessionManager({ keys, onError });
		info.setClientInfo('a', CLIENT_INFO);
		await expect(info.flush('a')).rejects.toMatchObject({ code: 'configuration' });
		expect(errors[0]?.message).toMatch(/\{ keys, rest \}.*createMcpHandler/s);
		expect(await info.getClientInfo('a')).toBeUndefined();
	});
});

describe('a session that was opened before a deployment sealed its sessions', () => {
	it('continues in rest until it is ended', async () => {
		const rest = rests.memory();
		const before = serve(rest);
		const body = JSON.stringify(initialize());
		const { session } = await send(before, { method: 'POST', body }, undefined, 'alice');
		expect(session).toMatch(/^1\./);
		const after = new Isolate({ keys, rest });
		expect((await after.call(session)).text).toContain('visitor');
		expect((await after.call(session, 'bob')).status).toBe(404);
		expect((await after.end(session)).status).toBe(200);
		expect((await after.call(session)).status).toBe(404);
	});

	it('is unknown without rest', async () => {
		const body = JSON.stringify(initialize());
		const before = serve(rests.memory());
		const { session } = await send(before, { method: 'POST', body }, undefined, 'alice');
		expect((await new Isolate({ keys }).call(session)).status).toBe(404);
	});
});

describe('a deployment that seals its sessions', () => {
	it('needs no session keys on any host', async () => {
		const mcp = serve(new SealedInfoSessionManager({ keys }), { sessionKeys: undefined });
		const body = JSON.stringify(initialize());
		const { session } = await send(mcp, { method: 'POST', body }, undefined, 'alice');
		expect(session).toMatch(/^2\./);
	});
});

describe('a sealed session', () => {
	it('has an internal id that opens nothing', async () => {
		const info = new SealedInfoSessionManager({ keys });
		const params = { principal: 'a', clientInfo: CLIENT_INFO, clientCapabilities: {} };
		const { id, internalId } = await info.sealSession(params);
		expect(internalId).toMatch(/^2\.0\.[\w-]{32}$/);
		expect(id.startsWith(internalId)).toBe(true);
		const elsewhere = new SealedInfoSessionManager({ keys });
		expect(await elsewhere.openSession(internalId, 'a')).toBeUndefined();
		expect(await elsewhere.getClientInfo(internalId)).toBeUndefined();
		expect((await elsewhere.openSession(id, 'a'))?.internalId).toBe(internalId);
		expect(await elsewhere.getClientInfo(internalId)).toEqual(CLIENT_INFO);
	});

	it('declares the capabilities of rest, delayed by recheckSeconds', () => {
		const rest = new DurableObjectInfoSessionManager();
		expect(new SealedInfoSessionManager({ keys, rest }).store.capabilities).toMatchObject({
			consistency: 'eventual',
			visibleWithinSeconds: 60,
		});
		const strict = new SealedInfoSessionManager({ keys, rest, recheckSeconds: 0 });
		expect(strict.store.capabilities).toEqual(rest.store.capabilities);
	});

	it.each([
		['recheckSeconds', -1],
		['recheckSeconds', Infinity],
		['absoluteSeconds', 0],
		['absoluteSeconds', Number.NaN],
	])('rejects %s of %d', (name, seconds) => {
		const create = (): object => new SealedInfoSessionManager({ keys, [name]: seconds });
		expect(create).toThrow(name);
	});
});
