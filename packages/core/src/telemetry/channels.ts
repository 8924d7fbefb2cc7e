import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { TelemetryEvents } from './events.ts';

/** A diagnostics channel that publishes one kind of event. */
export interface TelemetryChannel<Event> {
	/** Hot path: read it before an event is created. */
	readonly hasSubscribers: boolean;
	publish(event: Event): void;
}

const PREFIX = 'tmcp-sessions:';

/** The channels of this family, by the name after `tmcp-sessions:`. */
export const channels: {
	readonly [Name in keyof TelemetryEvents]: TelemetryChannel<TelemetryEvents[Name]>;
} = {
	request: channel(`${PREFIX}request`),
	session: channel(`${PREFIX}session`),
	stream: channel(`${PREFIX}stream`),
	subscription: channel(`${PREFIX}subscription`),
	task: channel(`${PREFIX}task`),
	storage: channel(`${PREFIX}storage`),
	rejection: channel(`${PREFIX}rejection`),
};

/**
 * Subscribes to a channel of `node:diagnostics_channel`, such as `request` for `tmcp-sessions:request`.
 * Events are published in the isolate in which they happen.
 *
 * @param listener runs before the work goes on, and must not throw.
 * @returns ends the subscription.
 */
export function onTelemetry<Name extends keyof TelemetryEvents>(
	name: Name,
	listener: (event: TelemetryEvents[Name]) => void,
): () => void {
	const receive = (event: unknown): void => {
		// Safe because only this family publishes on its channels.
		listener(event as TelemetryEvents[Name]);
	};
	subscribe(PREFIX + name, receive);
	return () => {
		unsubscribe(PREFIX + name, receive);
	};
}
