import type { Arrival } from '../connection/event-stream.ts';
import { failed, passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withStatelessEra } from '../eras.ts';
import { SUBSCRIPTION_ID, isAcknowledgment, listen, subscriptionOf } from '../listen.ts';
import { promisesOf } from '../promised-changes.ts';
import { SECTIONS } from '../specification.ts';
import type { Target } from '../target.ts';

/** Subscribes to changes without a session, and waits whether the subscription stays open. */
export async function checkSubscription(target: Target): Promise<Finding> {
	return withStatelessEra(target, async ({ capabilities }) => {
		const { connection, expectations } = target;
		const opened = await listen(connection);
		if (!('stream' in opened)) {
			if (promisesOf(capabilities).length === 0) {
				return skipped(
					`the server has no subscriptions (${opened.status}), and promises no changes`,
				);
			}
			return failed(`subscriptions/listen was refused with ${opened.message}`, {
				cause: 'stateless clients hear of no change',
				fix: 'give the server a subscription manager',
				specification: SECTIONS.subscriptions,
			});
		}
		const { stream } = opened;
		try {
			const fault = faultOf(await stream.waitFor(() => true, connection.timeoutMs));
			if (fault) return fault;
			const openMs = await stream.stayOpen(expectations.streamMs);
			if (!stream.hasEnded) {
				return passed(`a subscription was acknowledged and stayed open for ${openMs / 1_000} s`);
			}
			return failed(`a subscription was acknowledged and ended after ${Math.round(openMs)} ms`, {
				cause:
					'stateless clients hear of no change. On Workers, the runtime ends a stream whose request ' +
					'has no pending timer, RPC or socket',
				fix: 'keep the subscription open, with a keep-alive every 15 seconds',
				specification: SECTIONS.subscriptions,
			});
		} finally {
			stream.close();
		}
	});
}

/** Returns what is wrong with the first message of a subscription. */
function faultOf(arrival: Arrival): Finding | undefined {
	if (!('message' in arrival) || !isAcknowledgment(arrival.message)) {
		const found = 'message' in arrival ? 'another message came first' : `it ${arrival.reason}`;
		return failed(`a subscription was not acknowledged: ${found.replace('timeout', 'timed out')}`, {
			cause: 'clients do not know whether they will hear of changes',
			fix: 'send notifications/subscriptions/acknowledged as the first message',
			specification: SECTIONS.acknowledgment,
		});
	}
	if (subscriptionOf(arrival.message) === SUBSCRIPTION_ID) return undefined;
	return failed('the acknowledgment does not name its subscription', {
		cause: 'clients cannot tell which subscription a message belongs to',
		fix: 'repeat the id of the request in _meta["io.modelcontextprotocol/subscriptionId"], with its JSON type',
		specification: SECTIONS.subscriptions,
	});
}
