import { UnknownSessionError } from '@tmcp-sessions/core';
import { currentScope, isCallStream, parseEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { MAX_STREAMS_PER_SESSION, runInScope } from '@tmcp-sessions/core/internal';

import { PlainManager } from './plain-resumables.ts';

/** A manager that resumes streams with one fault, and the cases that must fail. */
interface WrongResumables {
	/** The fault, after "a manager that". */
	readonly name: string;
	readonly Manager: new () => PlainManager;
	/** Whether its fault shows only if timers fire in time: its cases run alone, one after another. */
	readonly runsAlone?: boolean;
	readonly fails: readonly string[];
}

/** Returns whether the request resumes a call instead of a stream of the session. */
function resumesCall(): boolean {
	return isCallStream(parseEventId(currentScope()?.lastEventId ?? '')?.stream ?? '');
}

function withLastEventId(lastEventId: string | undefined, work: () => void): void {
	runInScope({ waitUntil: () => {}, ...currentScope(), lastEventId }, work);
}

const priming =
	'L12 priming-event: begins a stream with an event that has an id, no data and no retry time';
const earlier =
	'L12 priming-event: begins a stream with a comment for clients of earlier revisions, and announces a gap in one';
const knownLines =
	'sends clients of earlier revisions only lines of fields that they know, and no event without data';
const terminators =
	'escapes the characters at which a client may end a line, in live and in replayed messages';
const ended = 'rejects a stream of a session that has ended, and leaves other sessions alone';
const uniqueIds =
	'L19 event-ids: gives events ids that are unique in a session and identify their stream';
const missed =
	'L20 event-replay: replays missed messages once and in order, and then sends live ones';
const beforeFirst = 'replays messages that were missed before the first one arrived';
const again = 'replays exactly the messages after the last event id';
const otherSession = 'L20 event-replay: replays no message of another session';
const twoStreams = 'L20 event-replay: replays on each of two streams only its own messages';
const takesOver =
	'L15 stream-takeover: sends only on the resumed stream, although its old connection is still open';
const badIds = 'announces a gap for a last event id of no stream of the session, and opens live';
const tooOld = 'announces a gap with its size if the log no longer reaches the last event id';
const prunedBroadcast = 'announces a gap to a client that missed a broadcast pruned from the log';
const keptBroadcast =
	'replays a broadcast although another session received more than the log holds';
const quiet = 'announces no gap for messages that only other sessions missed';
const callMissed =
	'L16 responses-only-on-resume: replays the missed events of a call, and ends the stream after the response';
const callGoesOn =
	'sends the events of a running call on streams that resume it, even before the first event';
const keptTwice = 'sends an event once that was kept twice';
const longCall =
	'replays 10,000 events of a call once and in order, and reads none of them for a new one';
const noFrame = 'ends the streams that resume a call when it completes without a frame';
const foreignCall = 'sends no event of a call to another session';
const callGap = 'announces a gap for events of a call that were not kept';
const callAlone =
	'L16 responses-only-on-resume: sends only the events of its call on a stream that resumes one';
const endedCalls = 'ends the streams that resume calls of an ended session, and deletes the calls';
const mostStreams = 'L15 stream-takeover: ends the oldest stream of a session when its 33rd opens';
const mostCalls =
	'rejects the 257th stream of a session that resumes a call, until another one ends';
const unknownCall = 'announces a gap and ends the stream if an unknown call has no event in time';
const knownCall = 'waits longer for a call that has events, or whose first event arrives in time';

/** Managers with one fault each. */
export const wrongResumables: readonly WrongResumables[] = [
	{
		name: 'begins a stream without an id',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replace(/^id: \S+\n(data:\n\n)$/, '$1');
			}
		},
		fails: [
			priming,
			terminators,
			uniqueIds,
			missed,
			beforeFirst,
			again,
			otherSession,
			badIds,
			tooOld,
			prunedBroadcast,
			keptBroadcast,
			mostStreams,
		],
	},
	{
		name: 'sends a retry time at the beginning of a stream',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replace(/^(id: \S+\n)(data:\n\n)$/, '$1retry: 1000\n$2');
			}
		},
		fails: [priming, terminators, mostStreams],
	},
	{
		name: 'sends no retry time before it closes a stream',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replace(/^retry: \d+\n\n$/, '');
			}
		},
		fails: [mostStreams],
	},
	{
		name: 'primes clients of every revision',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				const scope = { waitUntil: () => {}, ...currentScope(), protocolVersion: '2025-11-25' };
				runInScope(scope, () => super.create(id, controller));
			}
		},
		fails: [earlier],
	},
	{
		name: 'sends clients of earlier revisions blocks with an id alone',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replace(/^: open\n\n$/, 'id: 0/0/0:0\nretry: 1000\n\n');
			}
		},
		fails: [earlier, knownLines],
	},
	{
		name: 'sends line terminators as they are',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replaceAll(String.raw`\u2028`, '\u2028');
			}
		},
		fails: [terminators],
	},
	{
		name: 'opens streams of ended sessions',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				try {
					super.create(id, controller);
				} catch (error) {
					if (!(error instanceof UnknownSessionError)) throw error;
				}
			}
		},
		fails: [ended, endedCalls],
	},
	{
		name: 'gives all streams the same id',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replace(/^id: 0\/[^:]+:/, 'id: one:');
			}
		},
		fails: [
			knownLines,
			terminators,
			uniqueIds,
			missed,
			beforeFirst,
			again,
			otherSession,
			twoStreams,
			takesOver,
			tooOld,
			prunedBroadcast,
			keptBroadcast,
			quiet,
		],
	},
	{
		name: 'ignores the last event id',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				if (resumesCall()) return super.create(id, controller);
				withLastEventId(undefined, () => super.create(id, controller));
			}
		},
		fails: [
			earlier,
			knownLines,
			terminators,
			missed,
			beforeFirst,
			again,
			otherSession,
			twoStreams,
			takesOver,
			badIds,
			tooOld,
			prunedBroadcast,
			keptBroadcast,
		],
	},
	{
		name: 'hides gaps',
		Manager: class extends PlainManager {
			override transform(frame: string): string {
				return frame.replace(/^: gap, .*\n/m, '');
			}
		},
		fails: [earlier, knownLines, badIds, tooOld, prunedBroadcast, callGap, unknownCall],
	},
	{
		name: 'reports no gaps to onError',
		Manager: class extends PlainManager {
			constructor() {
				super({ onError: () => {} });
			}
		},
		fails: [earlier, badIds, tooOld, prunedBroadcast, callGap, mostStreams, unknownCall],
	},
	{
		name: 'sends everything twice',
		Manager: class extends PlainManager {
			override send(sessions: string[] | undefined, data: string): void {
				super.send(sessions, data);
				super.send(sessions, data);
			}
		},
		fails: [
			earlier,
			terminators,
			uniqueIds,
			missed,
			beforeFirst,
			again,
			otherSession,
			twoStreams,
			takesOver,
			badIds,
			tooOld,
			keptBroadcast,
			quiet,
		],
	},
	{
		name: 'broadcasts messages for one session',
		Manager: class extends PlainManager {
			override send(_sessions: string[] | undefined, data: string): void {
				super.send(undefined, data);
			}
		},
		fails: [otherSession, badIds, keptBroadcast, quiet],
	},
	{
		name: 'keeps calls for all sessions together',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				super.create(resumesCall() ? 'everyone' : id, controller);
			}
			override keepCall(_session: string, events: CallEvents): Promise<void> {
				return super.keepCall('everyone', events);
			}
		},
		fails: [foreignCall, callAlone, endedCalls, mostCalls],
	},
	{
		name: 'does not end a stream after the response',
		Manager: class extends PlainManager {
			override keepCall(session: string, events: CallEvents): Promise<void> {
				return super.keepCall(session, { ...events, isComplete: false });
			}
		},
		fails: [
			callMissed,
			callGoesOn,
			keptTwice,
			longCall,
			noFrame,
			foreignCall,
			callGap,
			endedCalls,
			mostCalls,
			unknownCall,
			knownCall,
		],
	},
	{
		name: 'keeps only the first events of a call',
		Manager: class extends PlainManager {
			override async keepCall(session: string, events: CallEvents): Promise<void> {
				if (events.first === 1) await super.keepCall(session, events);
			}
		},
		fails: [
			callMissed,
			callGoesOn,
			longCall,
			noFrame,
			foreignCall,
			callGap,
			unknownCall,
			knownCall,
		],
	},
	{
		name: 'waits forever for an unknown call',
		Manager: class extends PlainManager {
			constructor() {
				super({ callWaitMs: 60_000 });
			}
		},
		fails: [unknownCall],
	},
	{
		name: 'waits for no unknown call',
		Manager: class extends PlainManager {
			constructor() {
				// A stopped clock keeps the log: on a busy machine, events of other cases are older than that.
				super({ callWaitMs: 0, bounds: { messages: 50, ageMs: 80 }, now: () => 0 });
			}
		},
		runsAlone: true,
		fails: [knownCall],
	},
	{
		name: 'does not limit the log',
		Manager: class extends PlainManager {
			constructor() {
				super({ bounds: {} });
			}
		},
		fails: [knownLines, tooOld, prunedBroadcast],
	},
	{
		name: 'rejects a stream above the limit',
		Manager: class extends PlainManager {
			readonly #open = new Map<string, number>();
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				if (resumesCall()) return super.create(id, controller);
				const open = this.#open.get(id) ?? 0;
				if (open === MAX_STREAMS_PER_SESSION) throw new Error('too many');
				this.#open.set(id, open + 1);
				super.create(id, controller);
			}
			override delete(id: string): void {
				this.#open.set(id, (this.#open.get(id) ?? 1) - 1);
				super.delete(id);
			}
		},
		fails: [mostStreams],
	},
];
