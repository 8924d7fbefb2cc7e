import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';
import { currentContext, isObject, paramsOf } from '@tmcp-sessions/http/server';
import type { JsonObject, RequestContext } from '@tmcp-sessions/http/server';
import type { SubscriptionManager } from '@tmcp/session-manager';

import type { Broadcast } from '../changes/broadcast.ts';
import { eventOf, notificationOf } from '../changes/notifications.ts';

type Filters = Parameters<SubscriptionManager['create']>[0]['filters'];

/** The subscription of one request. */
export interface Registration {
	/** Resolves once changes from every isolate reach the subscription. Rejects if they cannot. */
	readonly registered: Promise<void>;
	/** Resolves when the manager closes the subscription, for instance because its socket is lost. */
	readonly ended: Promise<void>;
}

/**
 * Connects the SDK's router of `subscriptions/listen` to a subscription manager. The router subscribes
 * while it serves the request, in whose scope the bus finds what the client has subscribed to. The
 * response is held back until the subscription is registered: the router writes the acknowledgement
 * before that.
 */
export class ListenBus implements ServerEventBus {
	readonly #subscriptions: SubscriptionManager;
	readonly #broadcast: Broadcast;
	readonly #requested = new WeakMap<RequestContext, JsonObject>();
	readonly #registrations = new WeakMap<RequestContext, Registration>();

	constructor(subscriptions: SubscriptionManager, broadcast: Broadcast) {
		this.#subscriptions = subscriptions;
		this.#broadcast = broadcast;
	}

	/** Notes the message that the SDK gets: without the uris that its caller may not subscribe to. */
	expect(context: RequestContext, message: object): void {
		this.#requested.set(context, paramsOf(message));
	}

	/** Returns the subscription that a request has opened. */
	registrationOf(context: RequestContext): Registration | undefined {
		return this.#registrations.get(context);
	}

	publish(event: ServerEvent): void {
		// Reported by the broadcast.
		this.#broadcast(notificationOf(event)).catch(() => {});
	}

	subscribe(listener: (event: ServerEvent) => void): () => void {
		const context = currentContext();
		const { messageId: id } = context ?? {};
		if (!context || id === undefined) throw new Error('expected the current request; got none');
		const { notifications } = this.#requested.get(context) ?? {};
		const origin = crypto.randomUUID();
		const { promise: ended, resolve: end } = Promise.withResolvers<void>();
		const register = async (): Promise<void> => {
			await this.#subscriptions.create(
				{ id, origin, filters: filtersIn(notifications) },
				{
					// The router has acknowledged the subscription: its frame waits for this registration.
					acknowledge: () => {},
					send(notification) {
						const event = eventOf(notification);
						if (event) listener(event);
					},
					close: () => end(),
				},
			);
		};
		const registered = register();
		// Handled by what awaits the registration.
		registered.catch(() => {});
		this.#registrations.set(context, { registered, ended });
		return () => {
			// Bound to the request and reported by the manager.
			Promise.resolve(this.#subscriptions.close(id, origin, 'cancelled')).catch(() => {});
		};
	}
}

/** Returns the filters of a subscription. The router has validated them. */
function filtersIn(notifications: unknown): Filters {
	const requested = isObject(notifications) ? notifications : {};
	const { resourceSubscriptions: uris } = requested as { resourceSubscriptions?: unknown };
	return {
		...(requested['toolsListChanged'] === true && { toolsListChanged: true }),
		...(requested['promptsListChanged'] === true && { promptsListChanged: true }),
		...(requested['resourcesListChanged'] === true && { resourcesListChanged: true }),
		...(Array.isArray(uris) && {
			resourceSubscriptions: uris.filter((uri) => typeof uri === 'string'),
		}),
	};
}
