import type { KVNamespace } from '@cloudflare/workers-types';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { KVSessionStore } from '../src/kv-session-store.ts';
import { namespace } from './bindings.ts';

async function refusal(binding: unknown): Promise<{ name: string; message: string }> {
	// Not sound, on purpose: this is what comes in from JavaScript.
	const store = new KVSessionStore(binding as string);
	return store.read('a').then(
		() => expect.fail('it was taken'),
		(error: unknown) => error as { name: string; message: string },
	);
}

describe('the binding of a KVSessionStore', () => {
	it('can be a name', async () => {
		expect(await new KVSessionStore('TMCP_SESSION_INFO').read('never')).toBeUndefined();
	});

	it('can be a namespace', async () => {
		expect(await new KVSessionStore(namespace).read('never')).toBeUndefined();
	});

	it('is not looked at before the first use', () => {
		expect(new KVSessionStore('MISSING').capabilities.consistency).toBe('eventual');
	});

	it('that is missing is named, with the lines that wrangler.jsonc needs', async () => {
		expect(await refusal('MISSING')).toMatchObject({
			name: 'BindingError',
			code: 'binding',
			message: `[tmcp-sessions/info-kv] the binding MISSING must be a Workers KV namespace; got undefined. wrangler.jsonc needs:

  "kv_namespaces": [
    { "binding": "MISSING", "id": "<printed by: npx wrangler kv namespace create MISSING>" }
  ]
`,
		});
	});

	it.each([
		['A_VARIABLE', 'a string'],
		['A_BUCKET', 'an object without getWithMetadata()'],
		['A_SERVICE', 'a service binding'],
		['AN_OBJECT', 'an object without getWithMetadata(), put(), list(), delete()'],
	])('that is something else, like %s, is said to be %s', async (name, found) => {
		expect(name in env).toBe(true);
		const { name: errorName, message } = await refusal(name);
		expect(errorName).toBe('BindingError');
		expect(message).toContain(`the binding ${name} must be a Workers KV namespace; got ${found}.`);
		expect(message).toContain(`{ "binding": "${name}", "id": "`);
		expect(message).not.toContain('hush-hush');
	});

	it.each([
		[null, 'null'],
		[7, 'a number'],
		[{}, 'an object without get(), getWithMetadata(), put(), list(), delete()'],
		[{ ...bound('get'), ...bound('put') }, 'an object without getWithMetadata(), list(), delete()'],
	])('that was given and is no namespace is refused: %j', async (given, found) => {
		const { message } = await refusal(given);
		expect(message).toContain('the binding must be a Workers KV namespace');
		expect(message).toContain(`got ${found}.`);
		expect(message).toContain('{ "binding": "TMCP_SESSION_INFO", "id": "');
	});

	it('that is wrong is a BindingError from every method', async () => {
		const store = new KVSessionStore('MISSING');
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

function bound(method: 'get' | 'put'): Partial<KVNamespace> {
	return { [method]: namespace[method].bind(namespace) };
}
