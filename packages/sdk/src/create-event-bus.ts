import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';
import type { ErrorReporter } from '@tmcp-sessions/core';
import { createReporter, keepRequestAlive, sleep } from '@tmcp-sessions/core/backend';
import { EVERY_URI, hasEveryUri } from '@tmcp-sessions/core/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';

import { eventOf, notificationOf } from './changes/notifications.ts';
import { configurationError } from './configuration-error.ts';

/** Pauses between attempts to register a subscription again whose connection was lost. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 15_000;

const ID = 'bus';
const EVERYTHING = {
	toolsListChanged: true,
	promptsListChanged: true,
	resourcesListChanged: true,
	resourceSubscriptions: EVERY_URI,
} as const;

/** Options of `createEventBus`. */
export interface EventBusOptions {
	/**
	 * Keeps the request alive until a promise settles: `waitUntil` of `cloudflare:workers` on Workers.
	 * Default: the process keeps promises alive.
	 */
	readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
	/** Receives every failure. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

/**
 * Creates a bus over a subscription manager, for the SDK's own `createMcpHandler`. Authorizes nothing:
 * the SDK passes neither the uris nor the caller of a subscription to its bus. Use `createSdkHandler` to
 * authorize subscriptions.
 *
 * The SDK acknowledges a subscription before the manager has registered it. A change in between is lost,
 * unless the client reads its lists and resources after the acknowledgement.
 *
 * @throws {TmcpSessionsError} `configuration` if the manager delivers only changes of uris that it knows.
 */
export function createEventBus(
	subscriptions: SubscriptionManager,
	{ onError, waitUntil }: EventBusOptions = {},
): ServerEventBus {
	if (!hasEveryUri(subscriptions)) {
		const { constructor: found = Object } = subscriptions as { constructor?: { name: string } };
		throw configurationError(
			`createEventBus needs a subscription manager that delivers the updates of every uri; got ${found.name}. ` +
				'Use DurableObjectSubscriptionManager of @tmcp-sessions/streams-durable-object, or ' +
				'createSdkHandler, which names the uris',
		);
	}
	const report = createReporter(onError);
	const keep = (promise: Promise<unknown>): void => {
		const reported = promise.catch(report);
		keepRequestAlive(reported, waitUntil ?? (() => {}));
	};
	return {
		publish(event) {
			// Safe because the manager only reads the method and the params of a notification.
			keep((async () => subscriptions.send(notificationOf(event) as never))());
		},
		subscribe(listener) {
			const subscription = new EverySubscription({ subscriptions, listener, report, keep });
			subscription.open();
			return () => subscription.close();
		},
	};
}

/** What a subscription to every change depends on. */
interface SubscribingDeps {
	readonly subscriptions: SubscriptionManager;
	readonly listener: (event: ServerEvent) => void;
	readonly report: (error: unknown) => void;
	/** Keeps the request alive until a promise settles. */
	readonly keep: (promise: Promise<unknown>) => void;
}

/** A subscription to every change, which is registered again until it is closed. */
class EverySubscription {
	readonly #deps: SubscribingDeps;
	readonly #origin = crypto.randomUUID();
	#isOpen = true;

	constructor(deps: SubscribingDeps) {
		this.#deps = deps;
	}

	open(): void {
		this.#deps.keep(this.#register(FIRST_PAUSE_MS));
	}

	close(): void {
		const { keep, subscriptions } = this.#deps;
		this.#isOpen = false;
		keep((async () => subscriptions.close(ID, this.#origin, 'cancelled'))());
	}

	async #register(pauseMs: number): Promise<void> {
		const { keep, listener, report, subscriptions } = this.#deps;
		if (!this.#isOpen) return;
		try {
			await subscriptions.create(
				{ id: ID, origin: this.#origin, filters: EVERYTHING },
				{
					acknowledge: () => {},
					send(notification) {
						const event = eventOf(notification);
						if (event) listener(event);
					},
					// The SDK cannot end the stream of a client, which would subscribe again.
					close: () => keep(this.#registerIn(FIRST_PAUSE_MS)),
				},
			);
		} catch (error) {
			if (pauseMs <= FIRST_PAUSE_MS) report(error);
			await this.#registerIn(Math.min(2 * pauseMs, MAX_PAUSE_MS));
		}
	}

	async #registerIn(ms: number): Promise<void> {
		await sleep(ms);
		await this.#register(ms);
	}
}
