import type { JSONRPCRequest } from 'json-rpc-2.0';

import { hasTable } from './change-receivers.ts';
import type { ChangeReceivers, RegisteredReceiver } from './change-receivers.ts';
import { reportedChange } from '../wire/change-interests.ts';
import type { DeliveryOutcome, NumberedChange } from '../wire/change-interests.ts';

/** How many objects a shard sends to at the same time. */
const MAX_CONCURRENT = 64;

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;

/** When the alarm continues the deliveries of an instance that was lost. */
const RECOVERY_MS = 30_000;

/** The key of the newest change that was delivered, from which the next number follows. */
const NEWEST_KEY = 'newest_change';

type ChangeRow = {
	sequence: number;
	at_ms: number;
	notification: string;
	receivers: string | null;
};

/** A change that some receivers do not have yet. */
interface PendingChange extends NumberedChange {
	readonly atMs: number;
	readonly remaining: Set<string>;
	/** Whether the stored row names the remaining receivers. Otherwise they are all interested ones. */
	isSaved: boolean;
}

/** The changes for one receiver, in order. */
interface Queue {
	changes: PendingChange[];
	/** `waiting`: the last delivery has failed, and is tried again later. */
	state: 'idle' | 'ready' | 'sending' | 'waiting';
	failures: number;
}

export interface ChangeOutboxOptions {
	/** Sends changes to an object, and rejects if that may be tried again. */
	readonly deliver: (
		receiver: RegisteredReceiver,
		changes: readonly NumberedChange[],
	) => Promise<DeliveryOutcome>;
	/** Sets the object's alarm, in the same turn. */
	readonly setAlarm: (dueMs: number) => void;
	/** A change that cannot be delivered for this long is dropped, as the log of a stream would. */
	readonly maxAgeMs: number;
	readonly report: (cause: unknown) => void;
	/** Called when a receiver was found gone. */
	readonly onRemoved: () => void;
}

/**
 * Delivers changes to the receivers of a shard, in order and once to each. A change is stored before
 * its publication is confirmed, and deleted when all receivers have it. Receivers are independent: one
 * that cannot be reached is tried again and delays no other.
 *
 * A delivery whose result is lost is repeated, also by the next instance. The receiver recognizes the
 * number of a change that it has.
 */
export class ChangeOutbox {
	readonly #sql: SqlStorage;
	readonly #receivers: ChangeReceivers;
	readonly #options: ChangeOutboxOptions;
	readonly #queues = new Map<string, Queue>();
	readonly #ready: string[] = [];
	#sending = 0;
	#recoveryMs = 0;
	/** By number, oldest first. `undefined` until the rows of the last instance were read. */
	#pending: Map<number, PendingChange> | undefined;
	#newest = 0;

	constructor(sql: SqlStorage, receivers: ChangeReceivers, options: ChangeOutboxOptions) {
		this.#sql = sql;
		this.#receivers = receivers;
		this.#options = options;
	}

	/** The number of the newest change. */
	get newest(): number {
		this.#load();
		return this.#newest;
	}

	/** Stores a change if any receiver is interested in it, and begins to deliver it. */
	publish(notification: JSONRPCRequest): void {
		const change = reportedChange(notification);
		const interested = change ? this.#receivers.interestedIn(change) : [];
		if (interested.length === 0) return;
		const pending = this.#load();
		const sequence = (this.#newest += 1);
		const atMs = Date.now();
		this.#sql.exec(TABLE);
		this.#sql.exec(
			'INSERT INTO tmcp_changes (sequence, at_ms, notification) VALUES (?, ?, ?)',
			sequence,
			atMs,
			JSON.stringify(notification),
		);
		this.#setRecovery();
		const remaining = new Set(interested);
		const added = { sequence, atMs, notification, remaining, isSaved: false };
		pending.set(sequence, added);
		for (const object of interested) this.#enqueue(object, added);
		// Later, so that the changes of one publication are sent together.
		queueMicrotask(() => this.#sendReady());
	}

	/** Continues after the alarm has fired. */
	handleAlarm(): void {
		this.#recoveryMs = 0;
		if (this.#load().size > 0) this.#setRecovery();
	}

	#enqueue(object: string, change: PendingChange): void {
		const queue = this.#queues.get(object) ?? { changes: [], state: 'idle', failures: 0 };
		this.#queues.set(object, queue);
		queue.changes.push(change);
		if (queue.state === 'idle') this.#markReady(object, queue);
	}

	#markReady(object: string, queue: Queue): void {
		queue.state = 'ready';
		this.#ready.push(object);
	}

	#sendReady(): void {
		while (this.#sending < MAX_CONCURRENT) {
			const object = this.#ready.shift();
			if (object === undefined) break;
			const queue = this.#queues.get(object);
			if (queue) this.#send(object, queue).catch(this.#options.report);
		}
		if (this.#sending === 0) this.#saveProgress();
	}

	async #send(object: string, queue: Queue): Promise<void> {
		const receiver = this.#receivers.get(object);
		const changes = [...queue.changes];
		queue.state = 'sending';
		this.#sending += 1;
		const outcome = receiver ? await this.#deliver(receiver, changes) : 'gone';
		this.#sending -= 1;
		if (outcome === 'failed') this.#retryLater(object, queue);
		else {
			if (outcome === 'gone' && receiver) {
				this.#receivers.remove(object, receiver.token);
				this.#options.onRemoved();
			}
			this.#complete(object, queue, changes);
			queue.failures = 0;
			if (queue.changes.length > 0) this.#markReady(object, queue);
			else this.#queues.delete(object);
		}
		this.#sendReady();
	}

	async #deliver(
		receiver: RegisteredReceiver,
		changes: readonly PendingChange[],
	): Promise<DeliveryOutcome | 'failed'> {
		const missing = changes
			.filter(({ sequence }) => sequence > receiver.since)
			.map(({ sequence, notification }) => ({ sequence, notification }));
		if (missing.length === 0) return 'received';
		try {
			return await this.#options.deliver(receiver, missing);
		} catch {
			return 'failed';
		}
	}

	#retryLater(object: string, queue: Queue): void {
		const { maxAgeMs, report } = this.#options;
		const old = queue.changes.filter(({ atMs }) => atMs < Date.now() - maxAgeMs);
		if (old.length > 0) {
			report(
				`an object could not be reached for ${Math.round(maxAgeMs / 1000)} s, and ${old.length} changes ` +
					'for it are dropped; its log has the reason',
			);
			this.#complete(object, queue, old);
		}
		if (queue.changes.length === 0) return void this.#queues.delete(object);
		queue.state = 'waiting';
		const delayMs = Math.min(FIRST_RETRY_MS * 2 ** queue.failures, MAX_RETRY_MS);
		queue.failures += 1;
		setTimeout(() => {
			this.#markReady(object, queue);
			this.#sendReady();
		}, delayMs);
	}

	/** Records that a receiver has changes, and deletes those that all receivers have. */
	#complete(object: string, queue: Queue, changes: readonly PendingChange[]): void {
		const pending = this.#load();
		queue.changes = queue.changes.filter((change) => !changes.includes(change));
		const complete = changes.filter(
			({ remaining }) => remaining.delete(object) && remaining.size === 0,
		);
		for (const { sequence } of complete) {
			pending.delete(sequence);
			this.#sql.exec('DELETE FROM tmcp_changes WHERE sequence = ?', sequence);
		}
		if (complete.length === 0 || pending.size > 0) return;
		this.#sql.exec('INSERT OR REPLACE INTO tmcp_meta VALUES (?, ?)', NEWEST_KEY, this.#newest);
	}

	/** Stores who lacks the changes that are left, so that the next instance wakes no other receiver. */
	#saveProgress(): void {
		for (const change of this.#load().values()) {
			if (change.isSaved) continue;
			change.isSaved = true;
			this.#sql.exec(
				'UPDATE tmcp_changes SET receivers = ? WHERE sequence = ?',
				JSON.stringify([...change.remaining]),
				change.sequence,
			);
		}
	}

	#setRecovery(): void {
		const nowMs = Date.now();
		if (this.#recoveryMs > nowMs) return;
		this.#recoveryMs = nowMs + RECOVERY_MS;
		this.#options.setAlarm(this.#recoveryMs);
	}

	/** Reads what the last instance has not delivered. */
	#load(): Map<number, PendingChange> {
		if (this.#pending) return this.#pending;
		const pending = (this.#pending = new Map<number, PendingChange>());
		const [newest] = this.#sql.exec<{ value: number }>(
			'SELECT value FROM tmcp_meta WHERE key = ?',
			NEWEST_KEY,
		);
		this.#newest = newest?.value ?? 0;
		const rows = hasTable(this.#sql, 'tmcp_changes')
			? this.#sql.exec<ChangeRow>(
					'SELECT sequence, at_ms, notification, receivers FROM tmcp_changes ORDER BY sequence',
				)
			: [];
		for (const row of rows) this.#restore(row, pending);
		if (pending.size > 0) queueMicrotask(() => this.#sendReady());
		return pending;
	}

	#restore(row: ChangeRow, pending: Map<number, PendingChange>): void {
		const { sequence, at_ms: atMs, receivers } = row;
		this.#newest = Math.max(this.#newest, sequence);
		// Safe because only `publish` and `#saveProgress` write them.
		const notification = JSON.parse(row.notification) as JSONRPCRequest;
		const saved = receivers === null ? undefined : (JSON.parse(receivers) as string[]);
		const reported = reportedChange(notification);
		const remaining = new Set(saved ?? (reported && this.#receivers.interestedIn(reported)));
		const change = { sequence, atMs, notification, remaining, isSaved: saved !== undefined };
		if (remaining.size === 0) {
			this.#sql.exec('DELETE FROM tmcp_changes WHERE sequence = ?', sequence);
			return;
		}
		pending.set(sequence, change);
		for (const object of remaining) this.#enqueue(object, change);
	}
}

const TABLE = `
	CREATE TABLE IF NOT EXISTS tmcp_changes (
		sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, notification TEXT NOT NULL, receivers TEXT
	)`;
