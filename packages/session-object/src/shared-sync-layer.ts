import { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { overridden } from '@tmcp-sessions/http/seams';

/** How a `SyncLayer` sets the alarm where it is not alone in its object. */
export interface SharedAlarm {
	get(): number | null;
	set(atMs: number): void;
}

/**
 * The streams of an object that does other work too: all that `SyncLayer` is, on the same sockets and
 * storage, but that it does not have the object's alarm for itself.
 */
export class SharedSyncLayer extends SyncLayer {
	constructor(state: DurableObjectState, alarm: SharedAlarm) {
		// It looks at no binding.
		super(state, {});
		const { storage } = state;
		const shared = overridden(state, {
			storage: overridden(storage, {
				getAlarm: async () => alarm.get(),
				setAlarm: async (atMs) => alarm.set(Number(atMs)),
			}),
		});
		// Sound: only the type of what the state was started with differs, which is not looked at.
		this.ctx = shared as typeof this.ctx;
	}
}
