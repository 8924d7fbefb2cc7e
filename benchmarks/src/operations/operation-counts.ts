/** The calls of a Worker to its bindings. */
export interface OperationCounts {
	kvReads: number;
	/** How many of the reads and lists had to wait for one another. */
	kvReadsInSequence: number;
	kvWrites: number;
	kvLists: number;
	kvDeletes: number;
	/** Calls of a Durable Object's methods. */
	objectCalls: number;
	/** WebSockets opened to a Durable Object. */
	objectSockets: number;
}

/** A fresh count. */
export function noOperations(): OperationCounts {
	return {
		kvReads: 0,
		kvReadsInSequence: 0,
		kvWrites: 0,
		kvLists: 0,
		kvDeletes: 0,
		objectCalls: 0,
		objectSockets: 0,
	};
}
