/**
 * The uris of a subscription to the updates of all resources. A class, so that managers which compare
 * the uris themselves, as those of tmcp do, find every uri in it.
 */
class EveryUri extends Array<string> {
	override includes(): boolean {
		return true;
	}
}

/** The `resourceSubscriptions` of a subscription to the updates of all resources. */
export const EVERY_URI: string[] = EveryUri.of('*');

/** An optional capability of subscription managers: subscriptions to `EVERY_URI`. */
export interface EveryUriSubscriptions {
	readonly deliversEveryUri: true;
}

/** Whether a subscription manager implements `EveryUriSubscriptions`. */
export function hasEveryUri<Manager extends object>(
	manager: Manager,
): manager is Manager & EveryUriSubscriptions {
	return 'deliversEveryUri' in manager && manager.deliversEveryUri === true;
}
