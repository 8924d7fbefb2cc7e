import { messageFrame } from '@tmcp-sessions/core/backend';
import { currentContext, keepAlive, runAsOneBroadcast } from '@tmcp-sessions/http/server';
import type { RequestContext } from '@tmcp-sessions/http/server';
import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';

import { UPDATED } from './notifications.ts';
import type { ChangeNotification } from './notifications.ts';

/** Sends a change to the sessions and subscriptions that it concerns, in every isolate. Rejects if it fails. */
export type Broadcast = (change: ChangeNotification) => Promise<void>;

/** What a broadcast reaches. */
export interface BroadcastDeps {
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	/** Flushes the deferred sends to subscriptions when it sends. */
	readonly streams: StreamSessionManager;
	/** Defers sends until the sessions are sent to. */
	readonly subscriptions: SubscriptionManager;
	readonly report: (error: unknown) => void;
}

/**
 * Creates what sends changes. Those of one request are sent in the order in which they were raised:
 * a resource update looks up its subscribers first, and a later change would overtake it. Promises are
 * never shared between requests, which workerd does not support.
 */
export function createBroadcast({
	info,
	report,
	streams,
	subscriptions,
}: BroadcastDeps): Broadcast {
	const lastSent = new WeakMap<RequestContext, Promise<void>>();
	const toSubscriptions = async (change: ChangeNotification): Promise<void> =>
		// Safe because the manager only reads the method and the params of a notification.
		subscriptions.send(change as never);
	const sendTo = async (
		sessions: InfoSessionManager,
		change: ChangeNotification,
		previous: Promise<void> | undefined,
		markSent: () => void,
	): Promise<void> => {
		const subscribed = toSubscriptions(change);
		try {
			const subscribers =
				change.method === UPDATED
					? await sessions.getSubscriptions(String(change.params.uri))
					: undefined;
			if (previous) await previous;
			const sending = streams.send(subscribers, messageFrame(change));
			markSent();
			await sending;
			await subscribed;
		} finally {
			markSent();
		}
	};
	return (change) => {
		const context = currentContext();
		let sending: Promise<void>;
		if (info) {
			const previous = context && lastSent.get(context);
			const { promise: sent, resolve } = Promise.withResolvers<void>();
			let isSent = false;
			const markSent = (): void => {
				isSent = true;
				resolve();
			};
			sending = runAsOneBroadcast(() => sendTo(info, change, previous, markSent));
			if (context && !isSent) lastSent.set(context, sent);
		} else {
			sending = toSubscriptions(change);
		}
		keepAlive(sending, report);
		return sending;
	};
}
