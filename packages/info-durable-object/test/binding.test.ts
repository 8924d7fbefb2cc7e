import { openSession } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { DurableObjectInfoSessionManager, DurableObjectSessionStore } from '../src/index.ts';
import { namespace } from './shards.ts';

async function bindingErrorOf(binding: unknown): Promise<{ name: string; message: string }> {
	// Wrong on purpose: JavaScript callers can pass any value.
	const store = new DurableObjectSessionStore(binding as string);
	return store.read('a').then(
		() => expect.fail('the binding was accepted'),
		(error: unknown) => error as { name: string; message: string },
	);
}

describe('the binding of a DurableObjectSessionStore', () => {
	it('can be a name or a namespace', async () => {
		expect(await new DurableObjectSessionStore('TMCP_SESSION_SHARD').read('a')).toBeUndefined();
		expect(await new DurableObjectSessionStore(namespace).read('a')).toBeUndefined();
	});

	it('is not resolved before the first use', () => {
		expect(new DurableObjectSessionStore('MISSING').capabilities.consistency).toBe('strong');
	});

	it('is named with the lines of wrangler.jsonc and the entry if it is missing', async () => {
		expect(await bindingErrorOf('MISSING')).toMatchObject({
			name: 'BindingError',
			code: 'binding',
			message: `[tmcp-sessions/info-durable-object] the binding MISSING must be a Durable Object namespace; got undefined. wrangler.jsonc needs:

  "durable_objects": { "bindings": [{ "name": "MISSING", "class_name": "SessionShard" }] },
  "migrations": [{ "tag": "<a new tag>", "new_sqlite_classes": ["SessionShard"] }]

after the migrations that are deployed. A Worker with "exports" instead of "migrations" needs

  "exports": { "SessionShard": { "type": "durable-object", "storage": "sqlite" } }

and the Worker's entry:

  export { SessionShard } from '@tmcp-sessions/info-durable-object';
`,
		});
	});

	it.each([
		['A_VARIABLE', 'a string'],
		[
			'A_KV_NAMESPACE',
			'a binding of type KvNamespace without newUniqueId(), idFromName(), getByName()',
		],
		['A_SERVICE', 'a service binding'],
	])('is rejected if it is something else, such as %s: %s', async (name, found) => {
		const { name: errorName, message } = await bindingErrorOf(name);
		expect(errorName).toBe('BindingError');
		expect(message).toContain(
			`the binding ${name} must be a Durable Object namespace; got ${found}.`,
		);
		expect(message).not.toContain('hush-hush');
	});

	it('is rejected if its class is another one, with the missing method', async () => {
		expect(await bindingErrorOf('AN_OBJECT')).toMatchObject({
			name: 'BindingError',
			message: expect.stringMatching(
				/^\[tmcp-sessions\/info-durable-object\] the binding AN_OBJECT must be a namespace of SessionShard; got one of another class \(.*"read"/,
			),
		});
	});

	it('makes every method reject with a BindingError if it is missing', async () => {
		const store = new DurableObjectSessionStore('MISSING');
		const calls = [
			store.create('a', { createdAtMs: 0, expiresAtMs: 0 }),
			store.update('a', {}),
			store.delete('a'),
			store.subscribe('a', 'test://a', 0),
			store.unsubscribe('a', 'test://a'),
			store.subscribers('test://a'),
		];
		for (const settled of await Promise.allSettled(calls)) {
			expect(settled).toMatchObject({ status: 'rejected', reason: { name: 'BindingError' } });
		}
	});
});

describe('the jurisdiction', () => {
	it('restricts every object, in both managers', async () => {
		const asked: string[] = [];
		// workerd does not implement jurisdictions: use the unrestricted namespace.
		const restricted = new Proxy(namespace, {
			get(target, key) {
				if (key === 'jurisdiction') return (name: string) => asked.push(name) && target;
				return () => expect.fail('called an object outside of the jurisdiction');
			},
		});
		const { id, uri, record } = openSession();
		const store = new DurableObjectSessionStore(restricted, { jurisdiction: 'eu' });
		await store.create(id, record);
		await store.subscribers(uri);
		const options = { jurisdiction: 'eu' as const };
		const info = new DurableObjectInfoSessionManager(restricted, options);
		await info.getLogLevel(id);
		// Once per store.
		expect(asked).toEqual(['eu', 'eu']);
	});

	it('makes a StoreError on a platform without jurisdictions', async () => {
		const store = new DurableObjectSessionStore(namespace, { jurisdiction: 'eu' });
		await expect(store.read('a')).rejects.toThrow(
			'reading a session failed: Jurisdiction restrictions are not implemented in workerd',
		);
	});
});
