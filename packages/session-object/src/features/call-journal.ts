import { messageFrame, reasonOf, withEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { FIRST_SEQUENCE_AFTER_LOSS } from '@tmcp-sessions/core/internal';
import { isAnsweredAtOnce } from '@tmcp-sessions/http/internal';
import type { CallToolResult } from 'tmcp';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from '../storage/object-alarm.ts';

/** A call whose response is not complete. */
export interface InterruptedCall {
	readonly id: string;
	readonly tool: string;
	/** Undefined if they were too large to be stored. */
	readonly arguments: Readonly<Record<string, unknown>> | undefined;
	/** Milliseconds since the epoch. */
	readonly startedAtMs: number;
	/** The number of times that the call was resumed. */
	readonly attempts: number;
}

/** Lists the calls of a session that are in flight. */
export interface SessionCalls {
	list(): InterruptedCall[];
}

/** The result of a tool, as tmcp's tools return it. */
export type ToolResult = CallToolResult<undefined>;

/** Continues a call whose instance was lost, or ends it. An error that it throws ends the call. */
export type ResumeCall = (call: InterruptedCall) => Promise<ToolResult> | ToolResult;

/** A call before it is recorded. */
export interface ToolCall {
	readonly tool: string;
	readonly arguments: unknown;
	readonly session: string;
	/** The JSON-RPC id of the client's request. */
	readonly messageId: number | string;
}

/** The stored form of a call. */
interface CallRecord extends Omit<InterruptedCall, 'id'> {
	/** The instance of the object that runs the call. */
	readonly instance: string;
	readonly session: string;
	readonly messageId: number | string;
	/** The resumable stream through which the client can fetch the response after it reconnects. */
	readonly stream?: string | undefined;
}

export interface CallJournalOptions {
	readonly resume: ResumeCall | undefined;
	/** Stores a response until the client resumes the call's stream. */
	readonly keepResponse: (session: string, events: CallEvents) => void;
	/** Sends a response on the session's only stream, for the legacy SSE transport. */
	readonly sendResponse: (session: string, frame: string) => void;
	readonly now: () => number;
	readonly report: (error: unknown) => void;
}

/** A row holds at most 2 MB. */
const MAX_ARGUMENTS_LENGTH = 512 * 1_024;
/** After this time the alarm starts a new instance for a lost call if no request has. */
const RECOVERY_MS = 60_000;
/** A call that terminates its object each time it runs must not be resumed without end. */
const MAX_ATTEMPTS = 3;
const CALL_LOST = -32_001;

/** Records the calls in flight, so that the next instance can resume them after this one is lost. */
export class CallJournal implements SessionCalls {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #options: CallJournalOptions;
	readonly #instance: string = crypto.randomUUID();
	readonly #resuming = new Set<string>();

	constructor(entries: Entries, alarm: ObjectAlarm, options: CallJournalOptions) {
		this.#entries = entries;
		this.#alarm = alarm;
		this.#options = options;
	}

	/** The number of recorded calls. */
	get count(): number {
		return this.#entries.size('call').count;
	}

	/** Returns whether the session has a recorded call. */
	hasCallsOf(session: string): boolean {
		return this.#entries.list('call').some(({ value }) => parse(value).session === session);
	}

	list(): InterruptedCall[] {
		return this.#entries.list('call').map(({ key, value }) => interruptedCall(key, parse(value)));
	}

	/** Returns whether a message announces a client that waits for a call which is being resumed. */
	awaitsResume(message: string): boolean {
		// Safe because this package's handlers are the only senders.
		const { params } = JSON.parse(message) as { params?: { stream?: string } };
		const stream = params?.stream;
		if (stream === undefined) return false;
		return [...this.#resuming].some((id) => {
			const text = this.#entries.read('call', id);
			return text !== undefined && parse(text).stream === stream;
		});
	}

	/**
	 * Runs a call. Records it unless it completes without I/O: an instance cannot be lost within one
	 * turn, and recording costs two row writes.
	 *
	 * @param onRecorded gets the id of the record.
	 */
	async run<Result>(
		call: ToolCall,
		execute: () => Promise<Result>,
		onRecorded: (id: string) => void,
	): Promise<Result> {
		const startedAtMs = this.#options.now();
		const state = { isSettled: false };
		const promise = execute().finally(() => (state.isSettled = true));
		// Prevents an unhandled rejection before the call is awaited below; the caller still gets the error.
		promise.catch(() => {});
		if (await isAnsweredAtOnce(() => state.isSettled)) return promise;
		const id = crypto.randomUUID();
		const { tool, session, messageId } = call;
		this.#write(id, {
			tool,
			session,
			messageId,
			startedAtMs,
			attempts: 0,
			arguments: storableArguments(call.arguments),
			instance: this.#instance,
		});
		onRecorded(id);
		try {
			return await promise;
		} finally {
			this.#entries.remove('call', id);
		}
	}

	/** Records the resumable stream of a call. */
	setStream(id: string, stream: string): void {
		const text = this.#entries.read('call', id);
		if (text !== undefined) this.#write(id, { ...parse(text), stream });
	}

	/** Resumes or ends each call that a lost instance has left behind. Never rejects. */
	async recover(): Promise<void> {
		const lost = this.#entries
			.list('call')
			.map(({ key, value }) => ({ id: key, call: parse(value) }))
			.filter(({ call }) => call.instance !== this.#instance);
		// Claims all of them before the first await, so that a concurrent recovery skips them.
		for (const { id, call } of lost) {
			this.#write(id, { ...call, instance: this.#instance, attempts: call.attempts + 1 });
			this.#resuming.add(id);
		}
		await Promise.all(lost.map(({ id, call }) => this.#resume(id, call)));
	}

	/** Postpones the recovery alarm of the calls that are still in flight. */
	postponeRecovery(): void {
		for (const { key, value } of this.#entries.due('call', this.#options.now())) {
			this.#write(key, parse(value));
		}
	}

	async #resume(id: string, call: CallRecord): Promise<void> {
		const { messageId, session } = call;
		let response: object;
		try {
			response = { jsonrpc: '2.0', id: messageId, result: await this.#result(id, call) };
		} catch (error) {
			const message = reasonOf(error);
			response = { jsonrpc: '2.0', id: messageId, error: { code: CALL_LOST, message } };
		}
		this.#resuming.delete(id);
		// Read again: the stream may have been recorded while the call was resumed.
		const text = this.#entries.read('call', id);
		const stream = text === undefined ? call.stream : parse(text).stream;
		this.#entries.remove('call', id);
		const message = messageFrame(response);
		if (stream === undefined) return this.#options.sendResponse(session, message);
		const first = FIRST_SEQUENCE_AFTER_LOSS;
		const frames = [withEventId({ stream, sequence: first }, message)];
		try {
			this.#options.keepResponse(session, { stream, first, frames, isComplete: true });
		} catch (error) {
			this.#options.report(error);
		}
	}

	async #result(id: string, call: CallRecord): Promise<ToolResult> {
		const { resume, report } = this.#options;
		if (!resume) throw new SessionStateError(LOST);
		if (call.attempts >= MAX_ATTEMPTS) {
			throw new SessionStateError(
				`the call of ${call.tool} was lost with its object ${MAX_ATTEMPTS + 1} times and is not resumed ` +
					'again; find out what terminates the object while the call runs',
			);
		}
		try {
			return await resume(interruptedCall(id, { ...call, attempts: call.attempts + 1 }));
		} catch (error) {
			report(error);
			throw error;
		}
	}

	#write(id: string, call: CallRecord): void {
		this.#entries.write('call', id, JSON.stringify(call), this.#options.now() + RECOVERY_MS);
		this.#alarm.update();
	}
}

const LOST =
	'the server restarted during this call and does not implement resumeCall; call the tool again';

function interruptedCall(id: string, call: CallRecord): InterruptedCall {
	const { tool, startedAtMs, attempts } = call;
	return { id, tool, arguments: call.arguments, startedAtMs, attempts };
}

function parse(text: string): CallRecord {
	// Safe because only `#write` writes these entries.
	return JSON.parse(text) as CallRecord;
}

function storableArguments(value: unknown): Record<string, unknown> | undefined {
	if (typeof value !== 'object' || value === null) return {};
	const { length } = JSON.stringify(value);
	// Safe because the protocol allows only objects here; an array has no named arguments to read.
	return length <= MAX_ARGUMENTS_LENGTH ? (value as Record<string, unknown>) : undefined;
}
