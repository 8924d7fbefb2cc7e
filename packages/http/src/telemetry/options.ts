import type { RequestEvent } from '@tmcp-sessions/core';

/** A message that a server is about to handle. */
export interface ObservedMessage extends Pick<
	RequestEvent,
	'era' | 'method' | 'name' | 'protocolVersion'
> {
	/** Whether it is a request. A notification gets no response. */
	readonly isRequest: boolean;
	/** The `_meta` of its params, which the client wrote: it may hold `traceparent`. */
	readonly metadata: Readonly<Record<string, unknown>>;
}

/** Observes how one message is handled. */
export interface MessageObserver {
	/** Runs a part of the handling, such as in the context of a span. Called once or twice. */
	run<Result>(handle: () => Result): Result;
	/** Called once, when the server has handled the message. */
	end(event: RequestEvent): void;
}

/** Observes the messages that a server handles. Implemented by `@tmcp-sessions/otel`. */
export interface HandlerTelemetry {
	/** Called before the server gets a message. */
	startMessage(message: ObservedMessage): MessageObserver;
}
