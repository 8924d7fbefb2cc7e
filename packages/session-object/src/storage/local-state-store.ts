import { encodeSessionId, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import type { StateCapabilities, StateStore, StoredState } from '@tmcp-sessions/core/backend';

import { PACKAGE } from '../package-name.ts';
import type { Entries } from './entries.ts';

const MAX_ID_BYTES = 1024;
/** The length of a version and the line terminator behind it. */
const VERSION_LENGTH = 37;
/** The text of a state that has ended. It has no version. */
const ENDED = 'ended';

interface LocalStateStoreOptions {
	/** Whether an id is that of a session, which is removed with its state. */
	readonly isSession: (id: string) => boolean;
	/** Called when the expiry of a state has changed. */
	readonly onChange: () => void;
}

/**
 * Stores the state of tools in the object's own SQLite database. The state of a session has no expiry of
 * its own; that of a handle has one.
 */
export class LocalStateStore implements StateStore {
	readonly capabilities: StateCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		maxIdBytes: MAX_ID_BYTES,
		isAtomic: true,
		canExtend: true,
		maxBytes: MAX_ROW_BYTES - VERSION_LENGTH,
	};
	readonly #entries: Entries;
	readonly #options: LocalStateStoreOptions;

	constructor(entries: Entries, options: LocalStateStoreOptions) {
		this.#entries = entries;
		this.#options = options;
	}

	async read(id: string): Promise<StoredState | 'ended' | undefined> {
		return this.#read(id);
	}

	async write(
		id: string,
		text: string,
		version: string | undefined,
		untilMs: number,
	): Promise<boolean> {
		const found = this.#read(id);
		if (found === ENDED || found?.version !== version) return false;
		this.#put(id, `${crypto.randomUUID()}\n${text}`, untilMs);
		return true;
	}

	async extend(id: string, untilMs: number): Promise<void> {
		const entry = this.#entries.find('state', checkId(id));
		if (!entry || entry.dueMs === null || entry.dueMs >= untilMs) return;
		this.#put(id, entry.value, untilMs);
	}

	async end(id: string, untilMs: number): Promise<string | undefined> {
		const found = this.#read(id);
		if (found === ENDED) return undefined;
		this.#put(id, ENDED, untilMs);
		return found?.text;
	}

	#read(id: string): StoredState | 'ended' | undefined {
		const stored = this.#entries.read('state', checkId(id));
		if (stored === undefined || stored === ENDED) return stored;
		const end = VERSION_LENGTH - 1;
		return { version: stored.slice(0, end), text: stored.slice(end + 1) };
	}

	#put(id: string, value: ArrayBuffer | string, untilMs: number): void {
		const dueMs = this.#options.isSession(id) ? null : untilMs;
		this.#entries.write('state', id, value, dueMs);
		this.#options.onChange();
	}
}

function checkId(id: string): string {
	encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
	return id;
}
