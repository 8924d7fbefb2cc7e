import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StateStore } from '@tmcp-sessions/core/backend';

/** A store in memory whose operations on state are recorded, or done by others. */
class CountedSessionStore extends InMemorySessionStore {
	readonly #wrap: (state: StateStore) => StateStore;
	#wrapped: StateStore | undefined;

	constructor(wrap: (state: StateStore) => StateStore, now: () => number) {
		super({ now });
		this.#wrap = wrap;
	}

	override get state(): StateStore {
		return (this.#wrapped ??= this.#wrap(super.state));
	}
}

/** An info manager in memory, and the operations on state since the last `take`. */
export interface CountedInfo {
	readonly info: StoredInfoSessionManager;
	take(): string[];
}

/** @param methods replaces methods of the state store. */
export function createCountedInfo(
	methods: (right: StateStore) => Partial<StateStore> = () => ({}),
	options: { now?: () => number; idleSeconds?: number } = {},
): CountedInfo {
	const { now = Date.now } = options;
	let operations: string[] = [];
	const wrap = (right: StateStore): StateStore => {
		const replaced = methods(right);
		return new Proxy(right, {
			get(target, key) {
				const owner = key in replaced ? replaced : target;
				const member: unknown = Reflect.get(owner, key);
				if (typeof member !== 'function') return member;
				return (...args: unknown[]) => {
					operations.push(String(key));
					return Reflect.apply(member, owner, args) as unknown;
				};
			},
		});
	};
	return {
		info: new StoredInfoSessionManager(new CountedSessionStore(wrap, now), options),
		take() {
			const taken = operations;
			operations = [];
			return taken;
		},
	};
}
