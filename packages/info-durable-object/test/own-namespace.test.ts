import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ownNamespace } from '@tmcp-sessions/core/internal';
import { namespace } from './shards.ts';

const name = 'sessions-0';

describe("an object's own namespace", () => {
	it('is found by id among bindings of services and other classes', () => {
		const id = namespace.idFromName(name);
		expect(ownNamespace(id, undefined, env)).toBe(namespace);
		expect(Object.keys(env)).toEqual(expect.arrayContaining(['A_SERVICE', 'AN_OBJECT']));
	});

	it('is found among the exports of a Worker without a binding to its class', async () => {
		const id = namespace.idFromName(name);
		const found = await runInDurableObject(namespace.getByName(name), (_object, state) =>
			ownNamespace<typeof namespace>(state.id, state.exports, {})?.idFromName(name).equals(id),
		);
		expect(found).toBe(true);
	});

	it('is restricted to the jurisdiction of the object', () => {
		const id = namespace.idFromName(name);
		// workerd does not implement jurisdictions: emulate an id and a namespace.
		const restricted = {
			...id,
			jurisdiction: 'eu',
			toString: () => id.toString(),
			equals: () => true,
		};
		const all = {
			idFromString: () => restricted,
			jurisdiction: (jurisdiction: string) => `the namespace in ${jurisdiction}`,
		};
		expect(ownNamespace(restricted, { all })).toBe('the namespace in eu');
	});

	it('is undefined if neither contains it', () => {
		const { TMCP_SESSION_SHARD: _, ...others } = env as unknown as Record<string, unknown>;
		expect(ownNamespace(namespace.idFromName(name), undefined, others)).toBeUndefined();
	});
});
