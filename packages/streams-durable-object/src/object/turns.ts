/** What is sent to so many receivers at most is sent in one turn. */
export const MAX_RECEIVERS_AT_ONCE = 64;

/** How many receivers are served before the object handles other events. */
export const RECEIVERS_PER_TURN = 16;

/** Handles items in order, some in each turn of the event loop, so that other events are handled in between. */
export async function handleInTurns<Item>(
	items: readonly Item[],
	itemsPerTurn: number,
	handle: (items: readonly Item[]) => void,
): Promise<void> {
	for (let start = 0; start < items.length; start += itemsPerTurn) {
		// A timer, since the runtime reads its sockets only after all events that are ready.
		if (start > 0) await new Promise<void>((resolve) => void setTimeout(resolve, 0));
		handle(items.slice(start, start + itemsPerTurn));
	}
}
