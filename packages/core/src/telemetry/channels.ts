import type * as DiagnosticsChannel from 'node:diagnostics_channel';

import { LocalChannel } from './local-channel.ts';
import type { TelemetryEvents } from './events.ts';

/** A diagnostics channel that publishes one kind of event. */
export interface TelemetryChannel<Event> {
	/** Hot path: read it before an event is created. */
	readonly hasSubscribers: boolean;
	publish(event: Event): void;
}

type Listener = (event: unknown) => void;
type Channel = TelemetryChannel<unknown> & {
	subscribe(listener: Listener): void;
	unsubscribe(listener: Listener): void;
};

const PREFIX = 'tmcp-sessions:';

/** Not imported: Vercel's edge runtime has no such module, and would not load this one. */
const diagnostics = diagnosticsChannel();

const opened: { readonly [Name in keyof TelemetryEvents]: Channel } = {
	request: open('request'),
	session: open('session'),
	stream: open('stream'),
	subscription: open('subscription'),
	task: open('task'),
	storage: open('storage'),
	rejection: open('rejection'),
};

/** The channels of this family, by the name after `tmcp-sessions:`. */
export const channels: {
	readonly [Name in keyof TelemetryEvents]: TelemetryChannel<TelemetryEvents[Name]>;
} = opened;

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
	opened[name].subscribe(receive);
	return () => opened[name].unsubscribe(receive);
}

function open(name: string): Channel {
	if (!diagnostics) return new LocalChannel();
	const { channel, subscribe, unsubscribe } = diagnostics;
	const found = channel(PREFIX + name);
	return {
		get hasSubscribers() {
			return found.hasSubscribers;
		},
		publish: (event) => found.publish(event),
		subscribe: (listener) => subscribe(PREFIX + name, listener),
		unsubscribe(listener) {
			unsubscribe(PREFIX + name, listener);
		},
	};
}

function diagnosticsChannel(): typeof DiagnosticsChannel | undefined {
	// Safe because every runtime with the method has the module.
	const { process: runtime } = globalThis as {
		process?: { getBuiltinModule?(id: string): typeof DiagnosticsChannel | undefined };
	};
	return runtime?.getBuiltinModule?.('node:diagnostics_channel');
}
