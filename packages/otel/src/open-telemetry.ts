import {
	context,
	metrics,
	propagation,
	ROOT_CONTEXT,
	SpanKind,
	SpanStatusCode,
	trace,
} from '@opentelemetry/api';
import type {
	Context,
	Histogram,
	Link,
	Meter,
	MeterProvider,
	TracerProvider,
} from '@opentelemetry/api';
import { onTelemetry } from '@tmcp-sessions/core';
import type { HandlerTelemetry, MessageObserver, ObservedMessage } from '@tmcp-sessions/http';

import { failureAttributes, messageAttributes, SESSION_ATTRIBUTES } from './attributes.ts';

const SCOPE = '@tmcp-sessions/otel';
/** The boundaries that the semantic conventions for MCP advise, in seconds. */
const BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** Configures the telemetry of a handler. */
export interface OpenTelemetryOptions {
	/** Default: the provider that `@opentelemetry/api` has registered. */
	readonly tracerProvider?: TracerProvider | undefined;
	/** Default: the provider that `@opentelemetry/api` has registered. */
	readonly meterProvider?: MeterProvider | undefined;
}

/** The providers whose sessions are recorded: several handlers of a process share the events. */
const recorded = new WeakSet<object>();

/**
 * Observes the messages of a handler with OpenTelemetry: a span and a measurement of
 * `mcp.server.operation.duration` for each message, and `mcp.server.session.duration` for each session
 * that a client ends.
 *
 * The span is the active one while a tool runs. It continues the trace of `_meta.traceparent`, and links
 * to the span of the HTTP request if there is one.
 *
 *     createMcpHandler(server, { streams, info, telemetry: openTelemetry() })
 */
export function openTelemetry({
	tracerProvider,
	meterProvider,
}: OpenTelemetryOptions = {}): HandlerTelemetry {
	// The API returns providers that delegate to those which are registered later.
	const tracer = (tracerProvider ?? trace).getTracer(SCOPE);
	const meter = (meterProvider ?? metrics).getMeter(SCOPE);
	const duration = createHistogram(
		meter,
		'mcp.server.operation.duration',
		'How long the server took for a request or a notification',
	);
	recordSessions(meterProvider ?? metrics, meter);
	return {
		startMessage(message): MessageObserver {
			const ambient = context.active();
			const { links, parent } = originOf(message, ambient);
			const { method, name } = message;
			const span = tracer.startSpan(
				name === undefined ? method : `${method} ${name}`,
				{ kind: SpanKind.SERVER, attributes: messageAttributes(message), links },
				parent,
			);
			const active = trace.setSpan(parent, span);
			return {
				run: (handle) => context.with(active, handle),
				end(event) {
					const failure = failureAttributes(event);
					span.setAttributes(failure);
					if (event.outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR });
					// The server does not have it: its name is not one of few.
					if (event.name !== name) span.updateName(method);
					span.end();
					duration.record(
						event.durationMs / 1000,
						{ ...messageAttributes(event), ...failure },
						active,
					);
				},
			};
		},
	};
}

/** Returns the parent of a message's span: that of the client, or else the active one. */
function originOf(
	{ metadata }: ObservedMessage,
	ambient: Context,
): { readonly parent: Context; readonly links: Link[] } {
	// Clients may send any value: propagators expect texts.
	const fields = propagation.fields().filter((field) => typeof metadata[field] === 'string');
	const carrier = Object.fromEntries(fields.map((field) => [field, metadata[field]]));
	const remote = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier));
	if (!remote) return { parent: ambient, links: [] };
	const parent = propagation.extract(ambient, carrier);
	const current = trace.getSpanContext(ambient);
	return { parent, links: current ? [{ context: current }] : [] };
}

function recordSessions(provider: object, meter: Meter): void {
	if (recorded.has(provider)) return;
	recorded.add(provider);
	const duration = createHistogram(
		meter,
		'mcp.server.session.duration',
		'How long a session was open until its client ended it',
	);
	onTelemetry('session', ({ action, durationMs }) => {
		if (action !== 'ended' || durationMs === undefined) return;
		duration.record(durationMs / 1000, SESSION_ATTRIBUTES);
	});
}

function createHistogram(meter: Meter, name: string, description: string): Histogram {
	return meter.createHistogram(name, {
		description,
		unit: 's',
		advice: { explicitBucketBoundaries: BOUNDARIES },
	});
}
