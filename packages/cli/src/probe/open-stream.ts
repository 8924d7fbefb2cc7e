import { describeReply, excerptOf } from './connection/call.ts';
import { sendRequest } from './connection/connection.ts';
import type { Connection, ProbeRequest } from './connection/connection.ts';
import { EventStream, parseMessages } from './connection/event-stream.ts';

/** A stream that is open, or how it was refused. */
export type OpenedStream =
	{ readonly stream: EventStream } | { readonly status: number; readonly message: string };

/** Opens an event stream. The caller closes it. */
export async function openStream(
	connection: Connection,
	request: ProbeRequest,
): Promise<OpenedStream> {
	const stop = new AbortController();
	const response = await sendRequest(connection, request, stop.signal);
	const type = response.headers.get('content-type') ?? '';
	if (response.ok && /^text\/event-stream/i.test(type)) {
		return { stream: new EventStream(response.body, stop) };
	}
	const timer = setTimeout(() => stop.abort(), connection.timeoutMs);
	const text = await response.text().catch(() => '');
	clearTimeout(timer);
	const { status } = response;
	const [message] = parseMessages(text);
	if (message) return { status, message: describeReply({ status, response: message }) };
	return {
		status,
		message: text && !/html/i.test(type) ? `${status}: ${excerptOf(text)}` : `${status}`,
	};
}
