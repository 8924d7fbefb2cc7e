import { StoreError } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';

import { DurableObjectSessionStore } from '../src/index.ts';
import { contentsOfAll, namespace, stubOf } from './shards.ts';

/** A record as the release before stores it. It is not to be changed with the code. */
const recordOfPrevious = (expiresAtMs: number): string =>
	`{"createdAtMs":${expiresAtMs - 60_000},"expiresAtMs":${expiresAtMs},` +
	'"clientInfo":{"name":"client","version":"1.0.0"},"clientCapabilities":{"elicitation":{}}}';

describe('a Worker of the release before and an object of this one', () => {
	it('store, update and end a session with its subscriptions', async () => {
		const [object, id] = [stubOf(0), crypto.randomUUID()];
		const nowMs = Date.now();
		const expiresAtMs = nowMs + 60_000;
		const text = recordOfPrevious(expiresAtMs);
		await object.create(id, text, expiresAtMs);
		expect(await object.read(id)).toBe(text);
		const patch = { expiresAtMs: expiresAtMs + 60_000, logLevel: 'info' as const };
		expect(await object.update(id, patch, nowMs)).toEqual({ outcome: 'updated' });
		const updated: unknown = JSON.parse((await object.read(id)) ?? '');
		expect(updated).toEqual({ ...(JSON.parse(text) as object), ...patch });
		expect(await object.update('unknown', patch, nowMs)).toEqual({ outcome: 'unknown' });

		await object.addSubscriber('hash', id, expiresAtMs);
		expect(await object.addSubscribedShard(id, 0, expiresAtMs, nowMs)).toBe(true);
		expect(await object.subscribers('hash', nowMs)).toEqual([id]);
		expect(await object.end(id)).toEqual([0]);
		await object.removeSubscribers([id]);
		await object.removeSubscriber('hash', id);
		expect(await object.subscribers('hash', nowMs)).toEqual([]);
		expect(await object.update(id, patch, nowMs)).toEqual({ outcome: 'unknown' });
		expect(await object.claim('claimed', 'one', expiresAtMs)).toBe(true);
		expect(await object.claim('claimed', 'other', expiresAtMs)).toBe(false);
	});
});

describe('a Worker of a later release', () => {
	it('gets a StoreError for a method that this release lacks, and nothing is stored', async () => {
		// A method keeps its meaning: a later release adds another one.
		const later = new Proxy(namespace, {
			get(target, key) {
				if (key !== 'getByName') return Reflect.get(target, key) as unknown;
				return (name: string) =>
					new Proxy(target.getByName(name), {
						get: (stub, method) =>
							Reflect.get(stub, typeof method === 'string' ? `${method}Later` : method) as unknown,
					});
			},
		});
		const store = new DurableObjectSessionStore(later);
		const before = await contentsOfAll();
		const record = { createdAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 };
		const calls = [
			() => store.create('id', record),
			() => store.read('id'),
			() => store.delete('id'),
		];
		for (const call of calls) {
			const error: unknown = await call().catch((thrown: unknown) => thrown);
			expect(error).toBeInstanceOf(StoreError);
			expect(String(error)).toContain('does not implement');
		}
		expect(await contentsOfAll()).toEqual(before);
	});
});
