import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A value of an OTLP attribute, as its JSON encoding has it. */
interface OtlpAttribute {
	readonly key: string;
	readonly value: { readonly stringValue?: string };
}

/** A span, with its attributes as an object. */
export interface ReceivedSpan {
	readonly name: string;
	readonly kind: number;
	readonly traceId: string;
	readonly spanId: string;
	readonly parentSpanId?: string;
	readonly status: { readonly code?: number };
	readonly links?: readonly { readonly spanId: string }[];
	readonly attributes: Readonly<Record<string, string | undefined>>;
}

/** One data point of a histogram. */
export interface ReceivedPoint {
	readonly metric: string;
	readonly unit: string;
	readonly count: number;
	readonly bounds: readonly number[];
	readonly attributes: Readonly<Record<string, string | undefined>>;
}

interface TracesBody {
	readonly resourceSpans: readonly {
		readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
	}[];
}
type OtlpSpan = Omit<ReceivedSpan, 'attributes'> & {
	readonly attributes: readonly OtlpAttribute[];
};
interface MetricsBody {
	readonly resourceMetrics: readonly {
		readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[];
	}[];
}
interface OtlpMetric {
	readonly name: string;
	readonly unit: string;
	readonly histogram: {
		readonly dataPoints: readonly {
			readonly count: number | string;
			readonly explicitBounds: readonly number[];
			readonly attributes: readonly OtlpAttribute[];
		}[];
	};
}

/** An OTLP receiver for spans and metrics over HTTP and JSON. */
export interface OtlpReceiver {
	readonly url: string;
	readonly spans: ReceivedSpan[];
	readonly points: ReceivedPoint[];
	close(): void;
}

/** Starts a receiver on a free port. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
	const spans: ReceivedSpan[] = [];
	const points: ReceivedPoint[] = [];
	const receive = async (request: IncomingMessage): Promise<void> => {
		const body = await json(request);
		// Safe because only exporters of OTLP send to this receiver.
		if (request.url === '/v1/traces') spans.push(...spansOf(body as TracesBody));
		else points.push(...pointsOf(body as MetricsBody));
	};
	const server = createServer((request, response) => {
		receive(request).then(
			() => response.setHeader('content-type', 'application/json').end('{}'),
			(error: Error) => response.destroy(error),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}`, spans, points, close: () => server.close() };
}

function spansOf({ resourceSpans }: TracesBody): ReceivedSpan[] {
	return resourceSpans
		.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
		.map((span) => ({ ...span, attributes: attributesOf(span.attributes) }));
}

function pointsOf({ resourceMetrics }: MetricsBody): ReceivedPoint[] {
	return resourceMetrics
		.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
		.flatMap(({ name, unit, histogram }) =>
			histogram.dataPoints.map(({ attributes, count, explicitBounds }) => ({
				metric: name,
				unit,
				count: Number(count),
				bounds: explicitBounds,
				attributes: attributesOf(attributes),
			})),
		);
}

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, string | undefined> {
	return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}
