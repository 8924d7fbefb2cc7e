import type { KVNamespace } from '@cloudflare/workers-types';

/** The kinds of operations that Workers KV bills. */
export type KVOperation = 'read' | 'write' | 'list' | 'delete';

/** One operation on a KV namespace. */
export interface KVCall {
	readonly operation: KVOperation;
	/** The key; the prefix of a list; the first key of a read of several. */
	readonly key: string;
	/** The options of a `put`, such as `expirationTtl`; `undefined` for other operations. */
	readonly putOptions:
		{ readonly expirationTtl?: number; readonly expiration?: number } | undefined;
}

const OPERATIONS: Readonly<Record<string, KVOperation>> = {
	get: 'read',
	getWithMetadata: 'read',
	put: 'write',
	list: 'list',
	delete: 'delete',
};

/**
 * Wraps a namespace and passes every operation to `intercept`, which calls `proceed` to perform it and
 * returns the result.
 */
export function createInterceptedKV(
	namespace: KVNamespace,
	intercept: (call: KVCall, proceed: () => Promise<unknown>) => Promise<unknown>,
): KVNamespace {
	return new Proxy(namespace, {
		get(target, property) {
			const member: unknown = Reflect.get(target, property, target);
			const operation = OPERATIONS[String(property)];
			if (typeof member !== 'function' || !operation) return member;
			return (...args: unknown[]): Promise<unknown> =>
				intercept(callOf(operation, args), async (): Promise<unknown> => {
					const result: unknown = Reflect.apply(member, target, args);
					return result;
				});
		},
	});
}

function callOf(operation: KVOperation, [first, , third]: unknown[]): KVCall {
	if (operation === 'list') {
		const prefix = first && typeof first === 'object' && 'prefix' in first ? first.prefix : '';
		return { operation, key: typeof prefix === 'string' ? prefix : '', putOptions: undefined };
	}
	const putOptions =
		operation === 'write' && third && typeof third === 'object' ? third : undefined;
	return { operation, key: String(Array.isArray(first) ? first[0] : first), putOptions };
}
