import { channels } from '@tmcp-sessions/core/internal';

import type { RequestContext } from '../request/request-context.ts';

/**
 * Publishes that a stream was opened.
 *
 * @returns publishes that it was closed. Undefined if the channel has no subscriber.
 */
export function observeStream({
	isListening,
	messageId,
}: RequestContext): (() => void) | undefined {
	const isSubscription = isListening && messageId !== undefined;
	const isOfSession = isListening && messageId === undefined;
	if (!(isSubscription ? channels.subscription : channels.stream).hasSubscribers) return undefined;
	const openedMs = performance.now();
	const publish = (action: 'closed' | 'opened', durationMs?: number): void => {
		if (isSubscription) channels.subscription.publish({ action, durationMs });
		else channels.stream.publish({ action, kind: isOfSession ? 'session' : 'call', durationMs });
	};
	publish('opened');
	return () => publish('closed', performance.now() - openedMs);
}
