import type { KVNamespace } from '@cloudflare/workers-types';

/** What Workers KV counts an operation as. */
export type KVOperation = 'read' | 'write' | 'list' | 'delete';

/** One call of a KV namespace. */
export interface KVCall {
	readonly operation: KVOperation;
	/** The key; of a list its prefix, of a read of several keys the first. */
	readonly key: string;
	/** The options of a `put`, such as `expirationTtl`; else `undefined`. */
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
 * The same namespace, except that every operation goes through `intercept`, which calls `proceed`
 * to let it happen and returns what that gave.
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
