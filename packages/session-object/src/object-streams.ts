import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { CallEvents } from '@tmcp-sessions/core';

/** Interim: the streams of the object in its memory. */
export class ObjectStreams extends InMemoryStreamSessionManager {
	readonly areOpen: boolean = false;

	keep(session: string, events: CallEvents): void {
		this.keepCall(session, events).catch(() => {});
	}
}
