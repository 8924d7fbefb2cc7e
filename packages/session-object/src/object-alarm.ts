import type { Entries } from './entries.ts';

/**
 * The one alarm that an object has, for everything that is due: it goes off at the earliest time that
 * an entry names. It is set in the turn in which the entry is written, so that both are stored or
 * neither is.
 */
export class ObjectAlarm {
	readonly #entries: Entries;
	readonly #storage: DurableObjectStorage;
	readonly #report: (error: unknown) => void;
	/** When it goes off, as far as this instance knows: reading it costs a wait, setting it a row. */
	#setMs: number | undefined;
	#reading: Promise<void> | undefined;

	constructor(entries: Entries, storage: DurableObjectStorage, report: (error: unknown) => void) {
		this.#entries = entries;
		this.#storage = storage;
		this.#report = report;
		// Whatever it was set to is not known any more: the next entry sets it without a look.
		entries.rolledBack = () => (this.#setMs = undefined);
	}

	/** Finds out when it goes off. Until then entries set it without a look. */
	known(): Promise<void> {
		return (this.#reading ??= this.#storage.getAlarm().then((atMs) => {
			this.#setMs ??= atMs ?? Infinity;
			// What a lost instance wrote may be due before.
			this.update();
		}));
	}

	/** Says that it has gone off. */
	hasGoneOff(): void {
		this.#setMs = Infinity;
		this.#reading = Promise.resolve();
	}

	/** Sets it where something is due before. One that goes off too early finds nothing to do. */
	update(): void {
		const dueMs = this.#entries.earliest();
		if (dueMs === undefined || (this.#setMs !== undefined && this.#setMs <= dueMs)) return;
		this.#setMs = dueMs;
		// Not awaited: whatever answers next is held back until it is stored.
		this.#storage.setAlarm(dueMs).catch((error: unknown) => {
			this.#setMs = undefined;
			this.#report(error);
		});
	}

	/** Nothing is due any more. */
	async clear(): Promise<void> {
		this.#setMs = Infinity;
		await this.#storage.deleteAlarm();
	}
}
