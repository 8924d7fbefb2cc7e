// Stands in for `cloudflare:workers`, whoever imports it.
import { env as bindings } from 'cloudflare:workers';
import { noOperations } from '../operation-counts.ts';
import type { OperationCounts } from '../operation-counts.ts';

export { DurableObject, RpcTarget, waitUntil, WorkerEntrypoint } from 'cloudflare:workers';

type Counted = Exclude<keyof OperationCounts, 'kvReadsInSequence'>;
type Method = (...args: unknown[]) => unknown;

const kvMethods: Readonly<Record<string, Counted>> = {
	get: 'kvReads',
	getWithMetadata: 'kvReads',
	put: 'kvWrites',
	list: 'kvLists',
	delete: 'kvDeletes',
};
const stubMethods = ['get', 'getByName'];

let counts = noOperations();
/** Calls that have begun and not ended, the reads and lists among them, and when one last did. */
const underWay = { calls: 0, reads: 0, lastChangeMs: 0 };

/** The bindings, each call counted when it begins. */
export const env: unknown = proxy(bindings, (name) => {
	const binding: unknown = Reflect.get(bindings, name);
	if (typeof binding !== 'object' || binding === null) return binding;
	if ('getWithMetadata' in binding) return countedMethods(binding, (method) => kvMethods[method]);
	return 'idFromName' in binding ? countedObjects(binding) : binding;
});

/** Settles when no call is under way and none has begun or ended for `ms`. */
export async function quiet(ms: number): Promise<void> {
	underWay.lastChangeMs = Date.now();
	while (underWay.calls > 0 || Date.now() - underWay.lastChangeMs < ms) {
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

/** What was counted since the last time. */
export function takeCounts(): OperationCounts {
	const taken = counts;
	counts = noOperations();
	return taken;
}

function countedObjects(namespace: object): object {
	return proxy(namespace, (key) => {
		const method = methodOf(namespace, key);
		if (!method || !stubMethods.includes(key)) return method ?? Reflect.get(namespace, key);
		// Sound: both methods return a stub.
		return (...args: unknown[]) => countedStub(method(...args) as object);
	});
}

function countedStub(stub: object): object {
	return countedMethods(stub, (key) => {
		if (['connect', 'dup', 'then'].includes(key)) return undefined;
		return key === 'fetch' ? 'objectSockets' : 'objectCalls';
	});
}

function countedMethods(target: object, countOf: (key: string) => Counted | undefined): object {
	return proxy(target, (key) => {
		const method = methodOf(target, key);
		const counted = countOf(key);
		if (!method || !counted) return method ?? Reflect.get(target, key);
		return (...args: unknown[]) => count(counted, () => method(...args));
	});
}

function count(counted: Counted, call: () => unknown): unknown {
	const isRead = counted === 'kvReads' || counted === 'kvLists';
	counts[counted] += 1;
	if (isRead && underWay.reads === 0) counts.kvReadsInSequence += 1;
	if (isRead) underWay.reads += 1;
	underWay.calls += 1;
	const end = (): void => {
		if (isRead) underWay.reads -= 1;
		underWay.calls -= 1;
		underWay.lastChangeMs = Date.now();
	};
	const result = call();
	Promise.resolve(result).then(end, end);
	return result;
}

function methodOf(target: object, key: string): Method | undefined {
	const value: unknown = Reflect.get(target, key);
	if (typeof value !== 'function') return undefined;
	// Not `bind`: to a stub that would be a method of the object.
	return (...args) => Reflect.apply(value, target, args) as unknown;
}

function proxy(target: object, get: (key: string) => unknown): object {
	return new Proxy(target, {
		get: (_target, key) => (typeof key === 'string' ? get(key) : Reflect.get(target, key)),
	});
}
