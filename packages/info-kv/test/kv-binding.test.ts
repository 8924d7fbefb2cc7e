import type { KVNamespace } from '@cloudflare/workers-types';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { KVSessionStore } from '../src/kv-session-store.ts';
import { namespace } from './bindings.ts';

async function bindingErrorOf(binding: unknown): Promise<{ name: string; message: string }> {
	// Wrong on purpose: JavaScript callers can pass any value.
	const store = new KVSessionStore(binding as string);
	return store.read('a').then(
		() => expect.fail('the binding was accepted'),
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

	it('is not resolved before the first use', () => {
		expect(new KVSessionStore('MISSING').capabilities.consistency).toBe('eventual');
	});

	it('is named with the lines of wrangler.jsonc if it is missing', async () => {
		expect(await bindingErrorOf('MISSING')).toMatchObject({
			name: 'BindingError',
			code: 'binding',
			message: `[tmcp-sessions/info-kv] the binding MISSING must be a Workers KV namespace; got undefined. wrangler.jsonc needs:

  // Older wrangler needs the "id", too, that npx wrangler kv namespace create MISSING prints.
  "kv_namespaces": [{ "binding": "MISSING" }]
`,
		});
	});

	it.each([
		['A_VARIABLE', 'a string'],
		['A_BUCKET', 'a binding of type R2Bucket without getWithMetadata()'],
		['A_SERVICE', 'a service binding'],
		[
			'AN_OBJECT',
			'a binding of type DurableObjectNamespace without getWithMetadata(), put(), list(), delete()',
		],
	])('is rejected if it is something else, such as %s: %s', async (name, found) => {
		expect(name in env).toBe(true);
		const { name: errorName, message } = await bindingErrorOf(name);
		expect(errorName).toBe('BindingError');
		expect(message).toContain(`the binding ${name} must be a Workers KV namespace; got ${found}.`);
		expect(message).toContain(`{ "binding": "${name}" }`);
		expect(message).not.toContain('hush-hush');
	});

	it.each([
		[null, 'null'],
		[7, 'a number'],
		[{}, 'an object without get(), getWithMetadata(), put(), list(), delete()'],
		[{ ...bound('get'), ...bound('put') }, 'an object without getWithMetadata(), list(), delete()'],
	])('is rejected if the given object is not a namespace: %j', async (given, found) => {
		const { message } = await bindingErrorOf(given);
		expect(message).toContain('the binding must be a Workers KV namespace');
		expect(message).toContain(`got ${found}.`);
		expect(message).toContain('{ "binding": "TMCP_SESSION_INFO" }');
	});

	it('makes every method reject with a BindingError if it is missing', async () => {
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
