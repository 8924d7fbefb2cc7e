import { encodeSessionId } from '../ids/encode-session-id.ts';
import type { StateCapabilities, StateStore, StoredState } from '../extensions/state-store.ts';

const MAX_ID_BYTES = 1024;
const MAX_BYTES = 16 * 1024 * 1024;

/** A text, or the mark of an ended state: null. */
interface Entry {
	readonly text: string | null;
	readonly version: string;
	readonly untilMs: number;
}

/** Stores state in this process. Each write removes some of what has expired. */
export class InMemoryStateStore implements StateStore {
	readonly capabilities: StateCapabilities = {
		consistency: 'isolate',
		visibleWithinSeconds: Infinity,
		ttlFloorSeconds: 0,
		maxIdBytes: MAX_ID_BYTES,
		isAtomic: true,
		canExtend: true,
		maxBytes: MAX_BYTES,
	};
	readonly #now: () => number;
	/** In the order of their last writes. */
	readonly #entries = new Map<string, Entry>();
	#versions = 0;

	constructor(now: () => number) {
		this.#now = now;
	}

	async read(id: string): Promise<StoredState | 'ended' | undefined> {
		const entry = this.#find(id);
		return entry && (entry.text === null ? 'ended' : { text: entry.text, version: entry.version });
	}

	async write(
		id: string,
		text: string,
		version: string | undefined,
		untilMs: number,
	): Promise<boolean> {
		if (this.#find(id)?.version !== version) return false;
		this.#put(id, text, untilMs);
		return true;
	}

	async extend(id: string, untilMs: number): Promise<void> {
		const entry = this.#find(id);
		if (entry && entry.untilMs < untilMs) this.#entries.set(id, { ...entry, untilMs });
	}

	async end(id: string, untilMs: number): Promise<string | undefined> {
		const entry = this.#find(id);
		this.#put(id, null, Math.max(untilMs, entry?.untilMs ?? 0));
		return entry?.text ?? undefined;
	}

	#find(id: string): Entry | undefined {
		encodeSessionId(id, 'core', MAX_ID_BYTES);
		const entry = this.#entries.get(id);
		return entry && entry.untilMs > this.#now() ? entry : undefined;
	}

	#put(id: string, text: string | null, untilMs: number): void {
		this.#entries.delete(id);
		this.#entries.set(id, { text, untilMs, version: String((this.#versions += 1)) });
		this.#removeExpired();
	}

	/** Visits two of the oldest entries, and moves those that live behind the others. */
	#removeExpired(): void {
		for (let visited = 0; visited < 2; visited++) {
			const [oldest] = this.#entries;
			if (!oldest) return;
			const [id, entry] = oldest;
			this.#entries.delete(id);
			if (entry.untilMs > this.#now()) this.#entries.set(id, entry);
		}
	}
}
