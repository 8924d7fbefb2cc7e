import { describeReply, readReply } from '../connection/call.ts';
import type { ProbeRequest } from '../connection/connection.ts';
import type { EventStream, Message } from '../connection/event-stream.ts';
import { sessionRequest, statelessRequest, streamRequest } from '../connection/requests.ts';
import { failed, passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { isAcknowledgment, listen } from '../listen.ts';
import { openStream } from '../open-stream.ts';
import type { OpenedStream } from '../open-stream.ts';
import { isServed } from '../target.ts';
import type { Target } from '../target.ts';

/** Calls a tool that announces a change, and waits for it on the stream of each era. */
export async function checkChange(target: Target): Promise<Finding> {
	const { connection, expectations, sessionBased, stateless } = target;
	const { changeTool } = expectations;
	if (changeTool === undefined) {
		return skipped('name a tool that announces a change of a list with --change-tool');
	}
	const params = { ...changeTool };
	const heard: string[] = [];
	if (isServed(sessionBased)) {
		const { session } = sessionBased;
		const call = sessionRequest(session, { method: 'tools/call', id: 40, params });
		const problem = await hears(target, await openStream(connection, streamRequest(session)), call);
		if (problem) return lost('the stream of a session', problem);
		heard.push('the stream of a session');
	}
	if (isServed(stateless)) {
		const call = statelessRequest({ method: 'tools/call', id: 41, params }, changeTool.name);
		const problem = await hears(target, await listen(connection), call);
		if (problem) return lost('a subscription', problem);
		heard.push('a subscription');
	}
	return passed(`a change arrived on ${heard.join(' and on ')}`);
}

/** @returns why the change did not arrive. */
async function hears(
	{ connection }: Target,
	opened: OpenedStream,
	call: ProbeRequest,
): Promise<string | undefined> {
	if (!('stream' in opened)) return `it was refused with ${opened.message}`;
	const { stream } = opened;
	try {
		await settle(stream);
		const reply = await readReply(connection, { ...call, isApart: true });
		if (!reply.response || !('result' in reply.response)) {
			return `the tool was answered with ${describeReply(reply)}`;
		}
		const arrival = await stream.waitFor(isChange, connection.timeoutMs);
		if ('message' in arrival) return undefined;
		return arrival.reason === 'ended' ? 'the stream ended' : 'nothing arrived in time';
	} finally {
		stream.close();
	}
}

/** The time until a stream is registered, if nothing on it says so. */
const SETTLE_MS = 500;

async function settle(stream: EventStream): Promise<void> {
	await stream.waitFor(isAcknowledgment, SETTLE_MS);
}

function isChange({ method }: Message): boolean {
	return typeof method === 'string' && method.endsWith('/list_changed');
}

function lost(where: string, problem: string): Finding {
	const message = `a change did not arrive on ${where}: ${problem}`;
	if (!problem.endsWith('in time')) {
		return failed(message, {
			cause: 'there was no stream or no change to wait for',
			fix: 'see the findings above; --change-tool must name a call that announces a change of a list',
		});
	}
	return failed(message, {
		cause:
			'the message was raised on another connection than the stream: another isolate or process does ' +
			'not reach the stream, or the platform dropped the message when the call had ended',
		fix:
			'connect the streams of all isolates, and let the request wait for the message; or name a call ' +
			'that announces a change of a list',
	});
}
