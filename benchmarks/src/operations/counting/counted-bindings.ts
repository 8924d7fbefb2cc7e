// Replaces `cloudflare:workers` in every module of a counted Worker.
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
/** Returns the operation that a call of a method counts as. */
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
/** The methods of a `SessionShard` that only read. */
const shardReads = ['read', 'subscribers'];

/** The size of each object's database after its last statement. */
const databases = new Map<SqlStorage, number>();

/** Storages that are counted already. */
const countedStorages = new WeakSet<object>();

let counts: OperationCounts = {};
/** Calls in flight, the reads and lists among them, and when a call last began or ended. */
const inFlight = { calls: 0, reads: 0, lastChangeMs: 0 };

/** The bindings. A call counts when it begins. */
export const env: unknown = proxy(bindings, (name) => {
	const binding: unknown = Reflect.get(bindings, name);
	if (typeof binding !== 'object' || binding === null) return binding;
	if ('getWithMetadata' in binding) return countedMethods(binding, (method) => kvMethods[method]);
	if (!('idFromName' in binding)) return binding;
	return countedObjects(binding, name === shardBinding ? shardOperation : streamOperation);
});

/** Counts the rows that an object reads and writes, by SQL or by key, its messages and its alarms. */
export class DurableObject extends UncountedObject {
	constructor(ctx: DurableObjectState, bindingsOfObject: Cloudflare.Env) {
		super(ctx, bindingsOfObject);
		const rows = new.target.name === shardClass ? rowsOfShards : rowsOfStreams;
		// A `SessionObject` may contain a second Durable Object over the same storage.
		if (countedStorages.has(ctx.storage)) return;
		const storage = countedStorage(ctx.storage, rows);
		countedStorages.add(storage);
		// Replaced on the state itself: subclass constructors use the state that they were given.
		Object.defineProperty(ctx, 'storage', { value: storage });
		this.#count('webSocketMessage', 'objectMessages');
		// Not for shards: their alarm serves many sessions at once.
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

/** Counts the calls of an object's methods as `countOf` classifies them. */
export function countedMethods<Target extends object>(target: Target, countOf: Count): Target {
	// Safe because the proxy has the methods of its target.
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

/** Returns the total size of the databases of this Worker's objects, in bytes of whole pages. */
export function databaseBytes(): number {
	return [...databases.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Resolves when no call is in flight, and none began, ended or ran a statement for `ms`. */
export async function quiet(ms: number): Promise<void> {
	inFlight.lastChangeMs = Date.now();
	while (inFlight.calls > 0 || Date.now() - inFlight.lastChangeMs < ms) {
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

/** Returns the counts since the previous call. */
export function takeCounts(): OperationCounts {
	const taken = counts;
	counts = {};
	return taken;
}

/** Runs a call that `quiet` waits for. */
export function tracked<Result>(isRead: boolean, call: () => Result): Result {
	if (isRead && inFlight.reads === 0) add('readsInSequence');
	if (isRead) inFlight.reads += 1;
	inFlight.calls += 1;
	const end = (): void => {
		if (isRead) inFlight.reads -= 1;
		inFlight.calls -= 1;
		inFlight.lastChangeMs = Date.now();
	};
	const result = call();
	Promise.resolve(result).then(end, end);
	return result;
}

function add(operation: Operation, amount = 1): void {
	if (amount > 0) counts[operation] = (counts[operation] ?? 0) + amount;
}

function shardOperation(method: string): Operation {
	return shardReads.includes(method) ? 'shardReads' : 'shardWrites';
}

function streamOperation(method: string): Operation {
	return method === 'fetch' ? 'objectSockets' : 'objectCalls';
}

function countedStorage(storage: DurableObjectStorage, rows: Rows): object {
	const sql = proxy(storage.sql, (key) => {
		if (key !== 'exec') return methodOf(storage.sql, key) ?? Reflect.get(storage.sql, key);
		return (...args: Parameters<SqlStorage['exec']>) => {
			const cursor = storage.sql.exec(...args);
			inFlight.lastChangeMs = Date.now();
			// The caller reads the cursor in the same turn, so its counts are complete by then.
			queueMicrotask(() => {
				add(rows.read, cursor.rowsRead);
				add(rows.written, cursor.rowsWritten);
				// workerd allows only the object itself to read it.
				databases.set(storage.sql, storage.sql.databaseSize);
			});
			return cursor;
		};
	});
	return proxy(storage, (key) => {
		if (key === 'sql') return sql;
		if (key === 'kv') return countedMethods(storage.kv, (method) => rowOperation(method, rows));
		const method = methodOf(storage, key);
		const row = rowOperation(key, rows);
		// Tracked because the object may set an alarm afterwards.
		if (method && key === 'getAlarm') return () => tracked(false, () => method());
		if (!method || !row) return method ?? Reflect.get(storage, key);
		return (...args: unknown[]) => {
			add(row);
			return tracked(false, () => method(...args));
		};
	});
}

/** Each key is billed as a row, and so is `setAlarm`. */
function rowOperation(method: string, rows: Rows): Operation | undefined {
	if (['put', 'delete', 'setAlarm'].includes(method)) return rows.written;
	return ['get', 'list'].includes(method) ? rows.read : undefined;
}

function countedObjects(namespace: object, countOf: Count): object {
	return proxy(namespace, (key) => {
		const method = methodOf(namespace, key);
		if (!method || !stubMethods.includes(key)) return method ?? Reflect.get(namespace, key);
		// Safe because both methods return a stub.
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
	// Not `bind`: on a stub that would be an RPC to a method named `bind`.
	return (...args) => Reflect.apply(value, target, args) as unknown;
}

function proxy(target: object, get: (key: string) => unknown): object {
	return new Proxy(target, {
		get: (_target, key) => (typeof key === 'string' ? get(key) : Reflect.get(target, key)),
	});
}
