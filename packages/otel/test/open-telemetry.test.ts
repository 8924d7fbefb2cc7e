import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
	CompositePropagator,
	W3CBaggagePropagator,
	W3CTraceContextPropagator,
} from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { openTelemetry } from '@tmcp-sessions/otel';
import { McpServer } from 'tmcp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startOtlpReceiver } from './otlp-receiver.ts';
import type { OtlpReceiver, ReceivedPoint, ReceivedSpan } from './otlp-receiver.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const URL_OF_MCP = 'https://example.com/mcp';
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
/** The kind of a server's span in OTLP, which counts from 1. */
const OTLP_SERVER = SpanKind.SERVER + 1;

let receiver: OtlpReceiver;
let tracing: TracerProvider;
let metering: MeterProvider;

beforeAll(async () => {
	receiver = await startOtlpReceiver();
	tracing = new TracerProvider({
		spanProcessors: [
			new SimpleSpanProcessor({
				exporter: new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` }),
			}),
		],
	});
	metering = new MeterProvider({
		readers: [
			new PeriodicExportingMetricReader({
				exporter: new OTLPMetricExporter({ url: `${receiver.url}/v1/metrics` }),
				exportIntervalMillis: 3_600_000,
			}),
		],
	});
	context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
	propagation.setGlobalPropagator(
		new CompositePropagator({
			propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
		}),
	);
	trace.setGlobalTracerProvider(tracing);
	metrics.setGlobalMeterProvider(metering);
});

afterEach(() => {
	receiver.spans.length = 0;
	receiver.points.length = 0;
});

afterAll(async () => {
	await tracing.shutdown();
	await metering.shutdown();
	receiver.close();
});

function createHandler(): McpHandler {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { tools: {} } },
	);
	const content = [{ type: 'text', text: 'done' } as const];
	server.tool({ name: 'quick', description: 'Returns at once' }, () => {
		trace.getTracer('tool').startSpan('inner').end();
		return { content };
	});
	server.tool({ name: 'failing', description: 'Fails' }, () => ({ content, isError: true }));
	server.tool({ name: 'slow', description: 'Reports progress for a while' }, async () => {
		server.progress(1, 2);
		await new Promise((resolve) => setTimeout(resolve, 20));
		trace.getTracer('tool').startSpan('inner').end();
		return { content };
	});
	return createMcpHandler(server, {
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		sessionKeys: [KEY],
		telemetry: openTelemetry(),
	});
}

async function send(mcp: McpHandler, message: object, session?: string): Promise<Response> {
	const response = await mcp.fetch(
		new Request(URL_OF_MCP, {
			method: 'POST',
			headers: {
				accept: 'application/json, text/event-stream',
				'content-type': 'application/json',
				...(session !== undefined && { 'mcp-session-id': session }),
			},
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
		}),
	);
	await response.text();
	return response;
}

async function open(mcp: McpHandler): Promise<string> {
	const response = await send(mcp, {
		method: 'initialize',
		params: {
			protocolVersion: '2025-06-18',
			capabilities: {},
			clientInfo: { name: 'client', version: '1.0.0' },
		},
	});
	const session = response.headers.get('mcp-session-id');
	if (session === null) throw new Error(`expected a session; got ${response.status}`);
	return session;
}

function call(name: string, metadata: object = {}): object {
	return { method: 'tools/call', params: { name, _meta: { progressToken: 'p', ...metadata } } };
}

/** Waits for the span of this name. */
async function spanOf(name: string): Promise<ReceivedSpan> {
	await expect.poll(() => receiver.spans.map((span) => span.name)).toContain(name);
	const span = receiver.spans.find((each) => each.name === name);
	if (!span) throw new Error(`expected a span ${name}`);
	return span;
}

/** Exports the measurements, and returns those of a metric. */
async function pointsOf(metric: string): Promise<ReceivedPoint[]> {
	receiver.points.length = 0;
	await metering.forceFlush();
	return receiver.points.filter((point) => point.metric === metric);
}

describe('openTelemetry', () => {
	it.each(['quick', 'slow'])(
		'makes the span of a %s call the parent of what the tool starts, in the trace of the client',
		async (name) => {
			const mcp = createHandler();
			const session = await open(mcp);
			const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`;
			await send(mcp, call(name, { traceparent, baggage: 'user=1' }), session);
			const span = await spanOf(`tools/call ${name}`);
			expect(span).toMatchObject({
				kind: OTLP_SERVER,
				traceId: TRACE_ID,
				parentSpanId: SPAN_ID,
				attributes: {
					'mcp.method.name': 'tools/call',
					'gen_ai.tool.name': name,
					'gen_ai.operation.name': 'execute_tool',
					'network.transport': 'tcp',
				},
			});
			expect(await spanOf('inner')).toMatchObject({
				traceId: TRACE_ID,
				parentSpanId: span.spanId,
			});
		},
	);

	it('links to the span of the HTTP request if the client sends its own', async () => {
		const mcp = createHandler();
		const session = await open(mcp);
		const http = trace.getTracer('http').startSpan('POST /mcp');
		await context.with(trace.setSpan(context.active(), http), async () => {
			const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`;
			await send(mcp, call('quick', { traceparent }), session);
			await send(mcp, { method: 'ping' }, session);
		});
		const { spanId } = http.spanContext();
		expect(await spanOf('tools/call quick')).toMatchObject({
			parentSpanId: SPAN_ID,
			links: [{ spanId }],
		});
		expect(await spanOf('ping')).toMatchObject({ parentSpanId: spanId });
	});

	it('marks failed calls, and keeps the names that clients invent out of span names', async () => {
		const mcp = createHandler();
		const session = await open(mcp);
		await send(mcp, call('failing'), session);
		await send(mcp, call('invented'), session);
		expect(await spanOf('tools/call failing')).toMatchObject({
			status: { code: SpanStatusCode.ERROR },
			attributes: { 'error.type': 'tool_error' },
		});
		expect(await spanOf('tools/call')).toMatchObject({
			status: { code: SpanStatusCode.ERROR },
			attributes: { 'error.type': '-32602', 'rpc.response.status_code': '-32602' },
		});
	});

	it('answers a client whose trace context is invalid', async () => {
		const mcp = createHandler();
		const session = await open(mcp);
		for (const value of [5, null, {}, ['x'], 'x'.repeat(10_000), '00-0-0-0']) {
			const metadata = { traceparent: value, tracestate: value, baggage: value };
			expect((await send(mcp, call('quick', metadata), session)).status).toBe(200);
		}
	});

	it('records how long messages and sessions take', async () => {
		const mcp = createHandler();
		const session = await open(mcp);
		await send(mcp, call('slow'), session);
		await send(mcp, call('slow'), session);
		const ended = await mcp.fetch(
			new Request(URL_OF_MCP, { method: 'DELETE', headers: { 'mcp-session-id': session } }),
		);
		expect(ended.status).toBe(200);
		const slow = (await pointsOf('mcp.server.operation.duration')).find(
			({ attributes }) => attributes['gen_ai.tool.name'] === 'slow',
		);
		expect(slow).toMatchObject({ unit: 's', attributes: { 'mcp.method.name': 'tools/call' } });
		expect(slow?.count).toBeGreaterThanOrEqual(2);
		expect(slow?.bounds[0]).toBe(0.01);
		expect(await pointsOf('mcp.server.session.duration')).toMatchObject([{ count: 1, unit: 's' }]);
	});

	it('exports no session id', async () => {
		const mcp = createHandler();
		const session = await open(mcp);
		await send(mcp, call('quick'), session);
		await spanOf('tools/call quick');
		const points = await pointsOf('mcp.server.operation.duration');
		const texts = JSON.stringify([receiver.spans, points]);
		expect(texts).not.toContain(session);
		expect(texts).not.toContain(session.slice(0, session.lastIndexOf('.')));
	});
});
