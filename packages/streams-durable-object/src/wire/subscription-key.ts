/** Identifies a subscription. JSON keeps the type of its id: 1 and "1" are different. */
export function subscriptionKey(id: string | number, origin: string): string {
	return JSON.stringify([origin, id]);
}
