// Stands in for `cloudflare:workers`, whoever imports it.
import { DurableObject as UncountedObject, env as bindings } from 'cloudflare:workers';
import type { Operation, OperationCounts } from '../operation-counts.ts';

export {
	exports,
	RpcTarget,
	waitUntil,
	WorkerEntrypoint,
	WorkflowEntrypoint,
} from 'cloudflare:workers';

type Method = (...args: unknown[]) => unknown;
/** What a call of this method counts as. */
type Count = (method: string) => Operation | undefined;

const reads: readonly Operation[] = ['memoryReads', 'kvReads', 'kvLists', 'shardReads'];
const kvMethods: Readonly<Record<string, Operation>> = {
	get: 'kvReads',
	getWithMetadata: 'kvReads',
	put: 'kvWrites',
	list: 'kvLists',
	delete: 'kvDeletes',
};
const stubMethods = ['get', 'getByName'];
const shardBinding = 'TMCP_SESSION_SHARD';
const shardClass = 'SessionShard';
const rowsOfShards = { read: 'rowsRead', written: 'rowsWritten' } as const;
const rowsOfStreams = { read: 'objectRowsRead', written: 'objectRowsWritten' } as const;
type Rows = typeof rowsOfShards | typeof rowsOfStreams;
/** The methods of a `SessionShard` that change nothing. */
const shardReads = ['read', 'subscribers'];

/** How large the database of each object was when it was last used. */
const databases = new Map<SqlStorage, number>();

/** Storages that are counted already. */
const countedStorages = new WeakSet<object>();

let counts: OperationCounts = {};
/** Calls that have begun and not ended, the reads and lists among them, and when one last did. */
const underWay = { calls: 0, reads: 0, lastChangeMs: 0 };

/** The bindings, each call counted when it begins. */
export const env: unknown = proxy(bindings, (name) => {
	const binding: unknown = Reflect.get(bindings, name);
	if (typeof binding !== 'object' || binding === null) return binding;
	if ('getWithMetadata' in binding) return countedMethods(binding, (method) => kvMethods[method]);
	if (!('idFromName' in binding)) return binding;
	return countedObjects(binding, name === shardBinding ? countOfShard : countOfStreams);
});

/** An object whose rows are counted, whatever it reads and writes with SQL or by key, and its messages. */
export class DurableObject extends UncountedObject {
	constructor(ctx: DurableObjectState, bindingsOfObject: Cloudflare.Env) {
		super(ctx, bindingsOfObject);
		const rows = new.target.name === shardClass ? rowsOfShards : rowsOfStreams;
		// A `SyncLayer` within a `SessionObject` is of the same object, which counts it.
		if (countedStorages.has(ctx.storage)) return;
		const storage = countedStorage(ctx.storage, rows);
		countedStorages.add(storage);
		// On the state itself: a constructor that comes after this one uses what it was given.
		Object.defineProperty(ctx, 'storage', { value: storage });
		this.#count('webSocketMessage', 'objectMessages');
		// Those of a shard are for many sessions at once: they are left out.
		if (rows === rowsOfStreams) this.#count('alarm', 'objectAlarms');
	}

	#count(event: string, operation: Operation): void {
		const handle = methodOf(this, event);
		if (!handle) return;
		const value: Method = (...args) => {
			add(operation);
			return handle(...args);
		};
		Object.defineProperty(this, event, { value });
	}
}

/** The same, each call of one of its methods counted as `countOf` says. */
export function countedMethods<Target extends object>(target: Target, countOf: Count): Target {
	// Sound: it has the methods of its target.
	return proxy(target, (key) => {
		const method = methodOf(target, key);
		const counted = countOf(key);
		if (!method || !counted) return method ?? Reflect.get(target, key);
		return (...args: unknown[]) => {
			add(counted);
			return tracked(reads.includes(counted), () => method(...args));
		};
	}) as Target;
}

/** What the databases of this Worker's objects take together, in bytes: whole pages. */
export function databaseBytes(): number {
	return [...databases.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Settles when no call is under way, and for `ms` none has begun or ended and no row was touched. */
export async function quiet(ms: number): Promise<void> {
	underWay.lastChangeMs = Date.now();
	while (underWay.calls > 0 || Date.now() - underWay.lastChangeMs < ms) {
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

/** What was counted since the last time. */
export function takeCounts(): OperationCounts {
	const taken = counts;
	counts = {};
	return taken;
}

/** Runs a call that has to be over before there is quiet. */
export function tracked<Result>(isRead: boolean, call: () => Result): Result {
	if (isRead && underWay.reads === 0) add('readsInSequence');
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

function add(operation: Operation, amount = 1): void {
	if (amount > 0) counts[operation] = (counts[operation] ?? 0) + amount;
}

function countOfShard(method: string): Operation {
	return shardReads.includes(method) ? 'shardReads' : 'shardWrites';
}

function countOfStreams(method: string): Operation {
	return method === 'fetch' ? 'objectSockets' : 'objectCalls';
}

function countedStorage(storage: DurableObjectStorage, rows: Rows): object {
	const sql = proxy(storage.sql, (key) => {
		if (key !== 'exec') return methodOf(storage.sql, key) ?? Reflect.get(storage.sql, key);
		return (...args: Parameters<SqlStorage['exec']>) => {
			const cursor = storage.sql.exec(...args);
			underWay.lastChangeMs = Date.now();
			// By then whoever asked has read it: that is done in the same turn.
			queueMicrotask(() => {
				add(rows.read, cursor.rowsRead);
				add(rows.written, cursor.rowsWritten);
				// Nobody but the object may ask for it.
				databases.set(storage.sql, storage.sql.databaseSize);
			});
			return cursor;
		};
	});
	return proxy(storage, (key) => {
		if (key === 'sql') return sql;
		if (key === 'kv') return countedMethods(storage.kv, (method) => rowOfKey(method, rows));
		const method = methodOf(storage, key);
		const row = rowOfKey(key, rows);
		// What comes after it, such as an alarm that is set where there is none, is waited for.
		if (method && key === 'getAlarm') return () => tracked(false, () => method());
		if (!method || !row) return method ?? Reflect.get(storage, key);
		return (...args: unknown[]) => {
			add(row);
			return tracked(false, () => method(...args));
		};
	});
}

/** An alarm that is set, and each key, is a row. */
function rowOfKey(method: string, rows: Rows): Operation | undefined {
	if (['put', 'delete', 'setAlarm'].includes(method)) return rows.written;
	return ['get', 'list'].includes(method) ? rows.read : undefined;
}

function countedObjects(namespace: object, countOf: Count): object {
	return proxy(namespace, (key) => {
		const method = methodOf(namespace, key);
		if (!method || !stubMethods.includes(key)) return method ?? Reflect.get(namespace, key);
		// Sound: both methods return a stub.
		return (...args: unknown[]) => countedStub(method(...args) as object, countOf);
	});
}

function countedStub(stub: object, countOf: Count): object {
	return countedMethods(stub, (key) =>
		['connect', 'dup', 'then'].includes(key) ? undefined : countOf(key),
	);
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
