/** Names a listener of `subscriptions/listen`, and keeps its id's JSON type: 1 and "1" are two. */
export function listenerKey(id: string | number, origin: string): string {
	return JSON.stringify([origin, id]);
}
