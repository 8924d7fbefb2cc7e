import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ownNamespace } from '@tmcp-sessions/core/internal';
import { namespace } from './shards.ts';

const name = 'sessions-0';

describe("an object's own namespace", () => {
	it('is found among the bindings, beside services and other classes, by the id alone', () => {
		const id = namespace.idFromName(name);
		expect(ownNamespace(id, undefined, env)).toBe(namespace);
		expect(Object.keys(env)).toEqual(expect.arrayContaining(['A_SERVICE', 'AN_OBJECT']));
	});

	it('is found among the exports of a Worker that has no binding to its class', async () => {
		const id = namespace.idFromName(name);
		const found = await runInDurableObject(namespace.getByName(name), (_object, state) =>
			ownNamespace<typeof namespace>(state.id, state.exports, {})?.idFromName(name).equals(id),
		);
		expect(found).toBe(true);
	});

	it('is that of the jurisdiction that the object is in', () => {
		const id = namespace.idFromName(name);
		// workerd has none: an id and a namespace that do as the platform says.
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

	it('is none where neither has it', () => {
		const { TMCP_SESSION_SHARD: _, ...others } = env as unknown as Record<string, unknown>;
		expect(ownNamespace(namespace.idFromName(name), undefined, others)).toBeUndefined();
	});
});
