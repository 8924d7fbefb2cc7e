import type { StateCapabilities, StateStore, StoredState } from '@tmcp-sessions/core/backend';

import type { DenoKv, DenoKvAtomic, DenoKvKey } from './deno-kv.ts';

/** The value of a state that has ended. */
const ENDED = 'ended';
/** The length of a time and the space behind it. */
const EXPIRY_LENGTH = 17;

const encoder = new TextEncoder();

interface Stored extends StoredState {
	readonly untilMs: number;
}

/** The parts of a session store that its state store uses. */
export interface DenoKvStateDeps {
	readonly maxIdBytes: number;
	readonly maxBytes: number;
	/** Returns the key of a state. */
	readonly keyOf: (id: string) => DenoKvKey;
	/** Returns the text of a stored value. */
	readonly textOf: (value: unknown) => string | undefined;
	readonly run: <Result>(
		operation: string,
		use: (kv: DenoKv) => Promise<Result>,
	) => Promise<Result>;
	readonly set: (atomic: DenoKvAtomic, key: DenoKvKey, value: unknown, untilMs: number) => void;
}

/**
 * Stores state in Deno KV, with the versions of its entries. The expiry precedes the text, because Deno KV
 * does not return it.
 */
export class DenoKvStateStore implements StateStore {
	readonly capabilities: StateCapabilities;
	readonly #deps: DenoKvStateDeps;

	constructor(deps: DenoKvStateDeps) {
		this.#deps = deps;
		const { maxBytes, maxIdBytes } = deps;
		this.capabilities = {
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			maxIdBytes,
			isAtomic: true,
			canExtend: true,
			maxBytes: maxBytes - EXPIRY_LENGTH,
		};
	}

	async read(id: string): Promise<StoredState | 'ended' | undefined> {
		return this.#read(id);
	}

	async #read(id: string): Promise<Stored | 'ended' | undefined> {
		const { keyOf, run, textOf } = this.#deps;
		const key = keyOf(id);
		const { value, versionstamp } = await run('reading state', (kv) => kv.get(key));
		const text = textOf(value);
		if (text === undefined || versionstamp === null) return undefined;
		if (text === ENDED) return ENDED;
		const space = text.indexOf(' ');
		const untilMs = Number(text.slice(0, space));
		return { text: text.slice(space + 1), untilMs, version: versionstamp };
	}

	async write(
		id: string,
		text: string,
		version: string | undefined,
		untilMs: number,
	): Promise<boolean> {
		return this.#replace('storing state', id, withExpiry(text, untilMs), version, untilMs);
	}

	async extend(id: string, untilMs: number): Promise<void> {
		const stored = await this.#read(id);
		if (!stored || stored === ENDED || stored.untilMs >= untilMs) return;
		// A write that happens meanwhile has the later expiry already.
		const value = withExpiry(stored.text, untilMs);
		await this.#replace('extending state', id, value, stored.version, untilMs);
	}

	async end(id: string, untilMs: number): Promise<string | undefined> {
		for (;;) {
			const stored = await this.read(id);
			if (stored === ENDED) return undefined;
			const { text, version } = stored ?? {};
			if (await this.#replace('removing state', id, ENDED, version, untilMs)) return text;
		}
	}

	async #replace(
		operation: string,
		id: string,
		value: string,
		version: string | undefined,
		untilMs: number,
	): Promise<boolean> {
		const { keyOf, run, set } = this.#deps;
		const key = keyOf(id);
		return run(operation, async (kv) => {
			const atomic = kv.atomic();
			atomic.check({ key, versionstamp: version ?? null });
			set(atomic, key, encoder.encode(value), untilMs);
			return (await atomic.commit()).ok;
		});
	}
}

function withExpiry(text: string, untilMs: number): string {
	return `${Math.ceil(untilMs)} ${text}`;
}
