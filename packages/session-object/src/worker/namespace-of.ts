import type { SyncLayer } from '@tmcp-sessions/streams-durable-object';

import type { SessionObjectStub } from './object-namespace.ts';

/**
 * A namespace of one object, whatever the name that is asked for: managers that know one object for
 * all sessions work with it for the sessions of this one.
 *
 * @param stub made anew each time: one whose object was lost stays broken.
 */
export function namespaceOf(stub: () => SessionObjectStub): DurableObjectNamespace<SyncLayer> {
	const namespace = {
		getByName: () => stub(),
		newUniqueId: () => stub().id,
		idFromName: () => stub().id,
	};
	// Sound: these are the members that a manager uses, and the object has the methods it calls.
	return namespace as unknown as DurableObjectNamespace<SyncLayer>;
}
