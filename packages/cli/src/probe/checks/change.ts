import { describeReply, readReply } from '../connection/call.ts';
import type { ProbeRequest } from '../connection/connection.ts';
import type { EventStream, Message } from '../connection/event-stream.ts';
import { sessionRequest, statelessRequest, streamRequest } from '../connection/requests.ts';
import { failed, passed, skipped } from '../finding.ts';
import type { Advice, Finding } from '../finding.ts';
import { isAcknowledgment, listen } from '../listen.ts';
import { openStream } from '../open-stream.ts';
import type { OpenedStream } from '../open-stream.ts';
import { SECTIONS } from '../specification.ts';
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
		const stream = await openStream(connection, streamRequest(session));
		const advice = session.id === undefined ? NO_SESSION : NOT_DELIVERED;
		const problem = await hears(target, stream, call, advice);
		if (problem) return lost('the stream of a session', problem, SECTIONS.listChanges);
		heard.push('the stream of a session');
	}
	if (isServed(stateless)) {
		const call = statelessRequest({ method: 'tools/call', id: 41, params }, changeTool.name);
		const problem = await hears(target, await listen(connection), call);
		if (problem) return lost('a subscription', problem, SECTIONS.subscriptions);
		heard.push('a subscription');
	}
	return passed(`a change arrived on ${heard.join(' and on ')}`);
}

/** Why a change did not arrive. */
interface Problem extends Pick<Advice, 'cause' | 'fix'> {
	readonly found: string;
}

/** @returns undefined if the change arrived. */
async function hears(
	{ connection }: Target,
	opened: OpenedStream,
	call: ProbeRequest,
	lostAdvice: Advice = NOT_DELIVERED,
): Promise<Problem | undefined> {
	if (!('stream' in opened))
		return { found: `it was refused with ${opened.message}`, ...NO_STREAM };
	const { stream } = opened;
	try {
		await settle(stream);
		const reply = await readReply(connection, { ...call, isApart: true });
		if (!reply.response || !('result' in reply.response)) {
			return { found: `the tool was answered with ${describeReply(reply)}`, ...NO_CHANGE };
		}
		const arrival = await stream.waitFor(isChange, connection.timeoutMs);
		if ('message' in arrival) return undefined;
		return arrival.reason === 'ended'
			? { found: 'the stream ended', ...NO_STREAM }
			: { found: 'nothing arrived in time', ...lostAdvice };
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

const NO_STREAM = {
	cause: 'a client without a stream hears of no change, and shows an outdated list',
	fix: 'the checks session-stream and subscription above say what to mend',
};

const NO_CHANGE = {
	cause: 'the call failed, so that it announced nothing',
	fix:
		'mend what the checks above found. --change-tool must name a call that announces a change of a ' +
		'list: name={"argument": 1}',
};

const NO_SESSION = {
	cause:
		'without sessions, the server that a call reaches has no connection to the streams of other requests. ' +
		'Clients show an outdated list',
	fix: 'let the server open sessions, or do not declare listChanged',
};

const NOT_DELIVERED = {
	cause:
		'the change was raised on another connection than the stream: another isolate or process does ' +
		'not reach the stream, or the platform dropped the message when the call had ended. Clients show an ' +
		'outdated list',
	fix:
		'connect the streams of all isolates, and let the request wait for the message; or name a call ' +
		'that announces a change of a list',
};

function lost(where: string, { found, ...advice }: Problem, specification: string): Finding {
	return failed(`a change did not arrive on ${where}: ${found}`, { ...advice, specification });
}
