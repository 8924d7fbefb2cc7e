// Replaces `cloudflare:workers` in every module of a counted Worker.
import { DurableObject as UncountedObject, env as bindings } from 'cloudflare:workers';
import type { Operation, OperationCounts } from './counts.ts';

export {
	exports,
	RpcTarget,
	waitUntil,
	WorkerEntrypoint,
	WorkflowEntrypoint,
} from 'cloudflare:workers';

interface FetchHandler {
	fetch(request: Request, env: unknown, context: ExecutionContext): Response | Promise<Response>;
}
type Method = (...args: unknown[]) => unknown;
/** Returns what replaces a method, or undefined to keep it. */
type Replace = (key: string, method: Method) => Method | undefined;
type Operations = Readonly<Record<string, Operation | undefined>>;

const QUIET_MS = 50;
const reads: readonly Operation[] = ['memoryReads', 'kvReads', 'kvLists', 'shardReads'];
const memoryMethods: Operations = {
	read: 'memoryReads',
	subscribers: 'memoryReads',
	create: 'memoryWrites',
	update: 'memoryWrites',
	subscribe: 'memoryWrites',
	unsubscribe: 'memoryDeletes',
	delete: 'memoryDeletes',
};
const kvMethods: Operations = {
	get: 'kvReads',
	getWithMetadata: 'kvReads',
	put: 'kvWrites',
	list: 'kvLists',
	delete: 'kvDeletes',
};
/** Those that only read: every other RPC to a `SessionShard` counts as a write. */
const shardMethods: Operations = { read: 'shardReads', subscribers: 'shardReads' };
const rowsOfShards = { read: 'rowsRead', written: 'rowsWritten' } as const;
const rowsOfStreams = { read: 'objectRowsRead', written: 'objectRowsWritten' } as const;

/** The size of each object's database after its last statement. */
const databases = new Map<SqlStorage, number>();
const countedStorages = new WeakSet<object>();
let counts: OperationCounts = {};
/** Calls in flight, the reads and lists among them, and when a call last began or ended. */
const inFlight = { calls: 0, reads: 0, lastChangeMs: 0 };

/** The bindings. A call counts when it begins. */
export const env: object = new Proxy(bindings, {
	get(_target, name) {
		const binding: unknown = Reflect.get(bindings, name);
		if (typeof binding !== 'object' || binding === null) return binding;
		if ('getWithMetadata' in binding) return wrap(binding, countAs(kvMethods));
		if (name === 'TMCP_TASK_WORKFLOW') {
			return wrap(binding, countAs({ create: 'workflowInstances' }));
		}
		if ('sendBatch' in binding) return wrap(binding, countAs({ send: 'queueMessages' }));
		if (!('idFromName' in binding)) return binding;
		const isShard = name === 'TMCP_SESSION_SHARD';
		const count: Replace = (key, method) => {
			if (['connect', 'dup', 'then'].includes(key)) return undefined;
			const streamOperation = key === 'fetch' ? 'objectSockets' : 'objectCalls';
			return counted(isShard ? (shardMethods[key] ?? 'shardWrites') : streamOperation, method);
		};
		return wrap(binding, (key, method) =>
			// Safe because both methods return a stub.
			key === 'get' || key === 'getByName'
				? (...args) => wrap(method(...args) as object, count)
				: undefined,
		);
	},
});

/** Counts the rows that an object reads and writes, by SQL or by key, its messages and its alarms. */
export class DurableObject extends UncountedObject {
	constructor(ctx: DurableObjectState, bindingsOfObject: Cloudflare.Env) {
		super(ctx, bindingsOfObject);
		// A `SessionObject` may contain a second Durable Object over the same storage.
		if (countedStorages.has(ctx.storage)) return;
		const isShard = new.target.name === 'SessionShard';
		const storage = countedStorage(ctx.storage, isShard ? rowsOfShards : rowsOfStreams);
		countedStorages.add(storage);
		// Replaced on the state itself: subclass constructors use the state that they were given.
		Object.defineProperty(ctx, 'storage', { value: storage });
		this.#count('webSocketMessage', 'objectMessages');
		// Not for shards: their alarm serves many sessions at once.
		if (!isShard) this.#count('alarm', 'objectAlarms');
	}

	#count(event: string, operation: Operation): void {
		const handle: unknown = Reflect.get(this, event);
		if (typeof handle !== 'function') return;
		const value: Method = (...args) => {
			add(operation);
			return Reflect.apply(handle, this, args) as unknown;
		};
		Object.defineProperty(this, event, { value });
	}
}

// Redis counts its own requests; tracking them here delays `quiet` until they have ended.
const uncountedFetch = globalThis.fetch;
globalThis.fetch = (...args) => tracked(false, () => uncountedFetch(...args));
globalThis.countStore = (store) => wrap(store, countAs(memoryMethods));

/**
 * Wraps a Worker. `/operations` returns the counts since the previous request for them, and
 * `/database-bytes` the size of its objects' databases. Every request is kept alive until its
 * operations have ended, because workerd cancels what a bare transport leaves behind its response. A
 * request with the header `x-uncounted` ends with its response.
 */
export function countedWorker(worker: FetchHandler): FetchHandler {
	return {
		// A consumer of a queue.
		...worker,
		async fetch(request, _env, context) {
			const { pathname } = new URL(request.url);
			if (pathname === '/operations') {
				await quiet();
				const taken = counts;
				counts = {};
				return Response.json(taken);
			}
			if (pathname === '/database-bytes') {
				return Response.json([...databases.values()].reduce((sum, bytes) => sum + bytes, 0));
			}
			const response = await worker.fetch(request, env, context);
			// Thousands of requests at once would wait for one another.
			if (!request.headers.has('x-uncounted')) context.waitUntil(quiet());
			return response;
		},
	};
}

/** Resolves when no call is in flight, and none began, ended or ran a statement for a while. */
async function quiet(): Promise<void> {
	inFlight.lastChangeMs = Date.now();
	while (inFlight.calls > 0 || Date.now() - inFlight.lastChangeMs < QUIET_MS) {
		await scheduler.wait(5);
	}
}

function add(operation: Operation, amount = 1): void {
	if (amount > 0) counts[operation] = (counts[operation] ?? 0) + amount;
}

function countAs(operations: Operations): Replace {
	return (key, method) => operations[key] && counted(operations[key], method);
}

function counted(operation: Operation, method: Method): Method {
	return (...args) => {
		add(operation);
		return tracked(reads.includes(operation), () => method(...args));
	};
}

/** Runs a call that `quiet` waits for. */
function tracked<Result>(isRead: boolean, call: () => Result): Result {
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

function countedStorage(
	storage: DurableObjectStorage,
	rows: typeof rowsOfShards | typeof rowsOfStreams,
): object {
	/** Each key is billed as a row, and so is `setAlarm`. */
	const rowMethods: Operations = {
		put: rows.written,
		delete: rows.written,
		setAlarm: rows.written,
		get: rows.read,
		list: rows.read,
	};
	const exec: SqlStorage['exec'] = (...args) => {
		const cursor = storage.sql.exec<never>(...args);
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
	const sql = wrap(storage.sql, (key) => (key === 'exec' ? (exec as Method) : undefined));
	const kv = wrap(storage.kv, countAs(rowMethods));
	const methods = wrap(storage, (key, method) =>
		// Tracked because the object may set an alarm afterwards.
		key === 'getAlarm' ? () => tracked(false, () => method()) : countAs(rowMethods)(key, method),
	);
	return new Proxy(methods, {
		get: (target, key) => (key === 'sql' ? sql : key === 'kv' ? kv : Reflect.get(target, key)),
	});
}

/** Replaces methods of an object. */
function wrap<Target extends object>(target: Target, replace: Replace): Target {
	return new Proxy(target, {
		get(_target, key) {
			const value: unknown = Reflect.get(target, key);
			if (typeof value !== 'function' || typeof key !== 'string') return value;
			// Not `bind`: on a stub that would be an RPC to a method named `bind`.
			const method: Method = (...args) => Reflect.apply(value, target, args) as unknown;
			return replace(key, method) ?? method;
		},
	});
}
