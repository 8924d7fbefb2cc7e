import { reasonOf, withEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { FIRST_SEQUENCE_AFTER_LOSS } from '@tmcp-sessions/core/internal';
import type { CallToolResult } from 'tmcp';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';
import type { ObjectAlarm } from '../object/object-alarm.ts';

/** A call of a tool that was not answered at once. */
export interface InterruptedCall {
	readonly id: string;
	readonly tool: string;
	/** Undefined where they were too large to be kept. */
	readonly arguments: Readonly<Record<string, unknown>> | undefined;
	/** Milliseconds since the epoch. */
	readonly startedAtMs: number;
	/** How often it was resumed. */
	readonly attempts: number;
}

/** The calls of a session that are not answered yet. */
export interface SessionCalls {
	list(): InterruptedCall[];
}

/** The result of a tool, as tmcp's tools give it. */
export type ToolResult = CallToolResult<undefined>;

/** Goes on with a call whose instance was lost, or ends it. What it throws is the call's error. */
export type ResumeCall = (call: InterruptedCall) => Promise<ToolResult> | ToolResult;

/** What is kept of a call. */
interface KeptCall extends Omit<InterruptedCall, 'id'> {
	/** Which instance of the object works on it. */
	readonly instance: string;
	readonly session: string;
	/** The id of the client's message. */
	readonly messageId: number | string;
	/** Where its client can come back for the answer. */
	readonly stream?: string | undefined;
}

/** What the calls depend on. */
export interface CallsOptions {
	readonly resume: ResumeCall | undefined;
	/** Keeps an answer for a client that comes back for it. */
	readonly keep: (session: string, events: CallEvents) => void;
	/** Sends an answer to a client of a transport that has one stream for all of them. */
	readonly say: (session: string, frame: string) => void;
	readonly now: () => number;
	readonly report: (error: unknown) => void;
}

/** A row holds 2 MB. */
const MAX_ARGUMENTS_LENGTH = 512 * 1_024;
/** Microtasks in which a tool that waits for nothing has answered. */
const TURNS_OF_A_CALL = 100;
/** An alarm finds a call whose object was lost, and which nobody came back for, after this time. */
const CHECK_MS = 60_000;
/** A call that takes its object down with it is not resumed for ever. */
const MAX_ATTEMPTS = 3;
const CALL_LOST = -32_001;

/** The calls that are at work: noted while they are, so that none is forgotten with its instance. */
export class CallJournal implements SessionCalls {
	readonly #entries: Entries;
	readonly #alarm: ObjectAlarm;
	readonly #options: CallsOptions;
	readonly #instance: string = crypto.randomUUID();
	readonly #resumed = new Set<string>();

	constructor(entries: Entries, alarm: ObjectAlarm, options: CallsOptions) {
		this.#entries = entries;
		this.#alarm = alarm;
		this.#options = options;
	}

	/** How many are noted. */
	get count(): number {
		return this.#entries.size('call').count;
	}

	/** Whether any is of this session. */
	hasCallsOf(session: string): boolean {
		return this.#entries.list('call').some(({ value }) => parse(value).session === session);
	}

	list(): InterruptedCall[] {
		return this.#entries.list('call').map(({ key, value }) => shown(key, parse(value)));
	}

	/** Whether a message tells that a client has come back for a call which is being resumed. */
	awaitsResume(message: string): boolean {
		// Sound: a handler of this family made it.
		const { params } = JSON.parse(message) as { params?: { stream?: string } };
		const stream = params?.stream;
		if (stream === undefined) return false;
		return [...this.#resumed].some((id) => {
			const text = this.#entries.read('call', id);
			return text !== undefined && parse(text).stream === stream;
		});
	}

	/**
	 * Runs a call, and notes it unless it is answered within its turn: nothing can be lost in between,
	 * and two rows for each call would be felt.
	 *
	 * @param told gets the id of the note, once there is one.
	 */
	async run<Result>(
		asked: { session: string; messageId: number | string; tool: string; arguments: unknown },
		work: () => Promise<Result>,
		told: (id: string) => void,
	): Promise<Result> {
		const startedAtMs = this.#options.now();
		const call = { isOver: false };
		const running = work().finally(() => (call.isOver = true));
		// Whoever awaits it below handles its failure.
		running.catch(() => {});
		for (let turn = 0; turn < TURNS_OF_A_CALL && !call.isOver; turn++) await Promise.resolve();
		if (call.isOver) return running;
		const id = crypto.randomUUID();
		const { tool, session, messageId } = asked;
		this.#write(id, {
			...{ tool, session, messageId, startedAtMs, attempts: 0 },
			arguments: keptArguments(asked.arguments),
			instance: this.#instance,
		});
		told(id);
		try {
			return await running;
		} finally {
			this.#entries.remove('call', id);
		}
	}

	/** Notes where the client of a call can come back for its answer. */
	primed(id: string, stream: string): void {
		const text = this.#entries.read('call', id);
		if (text !== undefined) this.#write(id, { ...parse(text), stream });
	}

	/** Finds the calls of instances that are no more, and ends or resumes each. Never rejects. */
	async recover(): Promise<void> {
		const lost = this.#entries
			.list('call')
			.map(({ key, value }) => ({ id: key, call: parse(value) }))
			.filter(({ call }) => call.instance !== this.#instance);
		// Before anything is awaited: who looks next finds them taken.
		for (const { id, call } of lost) {
			this.#write(id, { ...call, instance: this.#instance, attempts: call.attempts + 1 });
			this.#resumed.add(id);
		}
		await Promise.all(lost.map(({ id, call }) => this.#resume(id, call)));
	}

	/** Looks after the calls whose time to be looked at has come. */
	check(): void {
		for (const { key, value } of this.#entries.due('call', this.#options.now())) {
			this.#write(key, parse(value));
		}
	}

	async #resume(id: string, call: KeptCall): Promise<void> {
		const { messageId, session } = call;
		let answer: object;
		try {
			answer = { jsonrpc: '2.0', id: messageId, result: await this.#result(id, call) };
		} catch (error) {
			const message = reasonOf(error);
			answer = { jsonrpc: '2.0', id: messageId, error: { code: CALL_LOST, message } };
		}
		this.#resumed.delete(id);
		// Its stream may have got its name only now.
		const text = this.#entries.read('call', id);
		const stream = text === undefined ? call.stream : parse(text).stream;
		this.#entries.remove('call', id);
		const message = `event: message\ndata: ${JSON.stringify(answer)}\n\n`;
		if (stream === undefined) return this.#options.say(session, message);
		const frame = withEventId({ stream, sequence: FIRST_SEQUENCE_AFTER_LOSS }, message);
		try {
			this.#options.keep(session, {
				stream,
				first: FIRST_SEQUENCE_AFTER_LOSS,
				frames: [frame],
				isComplete: true,
			});
		} catch (error) {
			this.#options.report(error);
		}
	}

	async #result(id: string, call: KeptCall): Promise<ToolResult> {
		const { resume, report } = this.#options;
		if (!resume) throw new SessionStateError(LOST);
		if (call.attempts >= MAX_ATTEMPTS) {
			throw new SessionStateError(
				`the call of ${call.tool} was lost with its object ${MAX_ATTEMPTS + 1} times and is not resumed ` +
					'again; find out what ends the object while it works',
			);
		}
		try {
			return await resume(shown(id, { ...call, attempts: call.attempts + 1 }));
		} catch (error) {
			report(error);
			throw error;
		}
	}

	#write(id: string, call: KeptCall): void {
		this.#entries.write('call', id, JSON.stringify(call), this.#options.now() + CHECK_MS);
		this.#alarm.update();
	}
}

const LOST =
	'the server was restarted while it worked on this call, and nothing resumes it; call the tool again';

function shown(id: string, call: KeptCall): InterruptedCall {
	const { tool, startedAtMs, attempts } = call;
	return { id, tool, arguments: call.arguments, startedAtMs, attempts };
}

function parse(text: string): KeptCall {
	// Sound: nothing but `#write` writes it.
	return JSON.parse(text) as KeptCall;
}

function keptArguments(value: unknown): Record<string, unknown> | undefined {
	if (typeof value !== 'object' || value === null) return {};
	const { length } = JSON.stringify(value);
	// Sound: the protocol has an object here, and any other is as good as one without keys.
	return length <= MAX_ARGUMENTS_LENGTH ? (value as Record<string, unknown>) : undefined;
}
