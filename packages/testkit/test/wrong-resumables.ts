import { currentScope, isCallStream, parseEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { MAX_STREAMS_PER_SESSION, runInScope } from '@tmcp-sessions/core/internal';

import { PlainManager } from './plain-resumables.ts';

/** A manager whose streams are resumed wrongly in one way, and the cases that must say so. */
interface WrongResumables {
	/** What it does: "a manager that …". */
	readonly name: string;
	readonly Manager: new () => PlainManager;
	readonly fails: readonly string[];
}

/** Whether the request resumes a call, and not a stream that listens. */
function resumesCall(): boolean {
	return isCallStream(parseEventId(currentScope()?.lastEventId ?? '')?.stream ?? '');
}

function withLastEventId(lastEventId: string | undefined, work: () => void): void {
	runInScope({ waitUntil: () => {}, ...currentScope(), lastEventId }, work);
}

const priming =
	'L12 priming-event: a stream begins with an event that holds an id alone, and says when to come back';
const uniqueIds = 'L19 event-ids: ids are unique in a session, and tell which stream they are of';
const missed =
	'L20 event-replay: what was missed arrives once and in order, and then what is sent live';
const beforeFirst =
	'what was missed before the first message arrives, since a stream begins with an id';
const again = 'a message is got again by whoever says that it did not come, and by no other id';
const otherSession = 'L20 event-replay: nothing of another session is replayed';
const twoStreams =
	'L20 event-replay: each of two streams gets what was sent on it, and nothing of the other';
const takesOver =
	'L15 stream-takeover: a stream that is resumed while its old one stands takes over, and that one is told no more';
const badIds =
	'a gap is announced where the last event id is of no stream of the session, and it opens live';
const tooOld =
	'a gap is announced where the log no longer goes back to the last event id, with its size';
const prunedBroadcast =
	'announces a gap to a client that missed a broadcast which was pruned meanwhile';
const quiet = 'what others missed is no gap, however much it was';
const callMissed =
	'L16 responses-only-on-resume: a stream that resumes a call gets what it missed, and ends with the answer';
const callGoesOn =
	'a call that goes on is told to whoever came back for it, also before it had said anything';
const keptTwice = 'what is kept twice is sent once';
const noFrame = 'a call that ends without a frame of its own ends the streams that resumed it';
const foreignCall = 'another session gets nothing of a call';
const callGap = 'where not all that a call said is kept, the gap is announced';
const callAlone =
	'L16 responses-only-on-resume: nothing but its call is sent on a stream that resumes one';
const endedCalls =
	'ending a session ends the streams that resumed its calls, and forgets the calls';
const endedStreams =
	'ending a session forgets its streams: an id of one of them opens live, with a gap';
const mostStreams =
	'L15 stream-takeover: a session has 32 open streams at most: one more is served, and ends the oldest';
const mostCalls = 'a session waits for 256 calls at most: one more is refused, and may come again';
const unknownCall =
	'a call of which nothing is known is not waited for without an end: a gap, and the stream ends';
const knownCall = 'a call of which something is known, or comes in time, is waited for longer';

/** Managers that are wrong, each in its way. */
export const wrongResumables: readonly WrongResumables[] = [
	{
		name: 'begins a stream without an id',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^id: \S+\n(retry: )/, '$1');
			}
		},
		fails: [
			priming,
			uniqueIds,
			missed,
			beforeFirst,
			again,
			otherSession,
			badIds,
			tooOld,
			prunedBroadcast,
			endedStreams,
		],
	},
	{
		name: 'says nowhere when to come back',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^retry: \d+\n/m, '');
			}
		},
		fails: [priming],
	},
	{
		name: 'names all streams alike',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^id: 0\/[^:]+:/, 'id: one:');
			}
		},
		fails: [
			uniqueIds,
			missed,
			beforeFirst,
			again,
			otherSession,
			twoStreams,
			takesOver,
			tooOld,
			prunedBroadcast,
			quiet,
		],
	},
	{
		name: 'looks at no last event id',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				if (resumesCall()) return super.create(id, controller);
				withLastEventId(undefined, () => super.create(id, controller));
			}
		},
		fails: [
			missed,
			beforeFirst,
			again,
			otherSession,
			twoStreams,
			takesOver,
			badIds,
			tooOld,
			prunedBroadcast,
			endedStreams,
		],
	},
	{
		name: 'hides gaps',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^: gap, .*\n/m, '');
			}
		},
		fails: [badIds, tooOld, prunedBroadcast, callGap, unknownCall],
	},
	{
		name: 'tells nobody of gaps',
		Manager: class extends PlainManager {
			constructor() {
				super({ onError: () => {} });
			}
		},
		fails: [badIds, tooOld, prunedBroadcast, callGap, endedStreams, mostStreams, unknownCall],
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
			uniqueIds,
			missed,
			beforeFirst,
			again,
			otherSession,
			twoStreams,
			takesOver,
			badIds,
			tooOld,
			prunedBroadcast,
			quiet,
			endedStreams,
		],
	},
	{
		name: 'sends what is for one to all',
		Manager: class extends PlainManager {
			override send(_sessions: string[] | undefined, data: string): void {
				super.send(undefined, data);
			}
		},
		fails: [otherSession, badIds, prunedBroadcast, quiet],
	},
	{
		name: 'keeps calls for all sessions together',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				super.create(resumesCall() ? 'everybody' : id, controller);
			}
			override keepCall(_session: string, events: CallEvents): Promise<void> {
				return super.keepCall('everybody', events);
			}
		},
		fails: [foreignCall, callAlone, endedCalls, mostCalls],
	},
	{
		name: 'does not end a stream with the answer',
		Manager: class extends PlainManager {
			override keepCall(session: string, events: CallEvents): Promise<void> {
				return super.keepCall(session, { ...events, isComplete: false });
			}
		},
		fails: [
			callMissed,
			callGoesOn,
			keptTwice,
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
		name: 'keeps of a call what comes first and nothing else',
		Manager: class extends PlainManager {
			override async keepCall(session: string, events: CallEvents): Promise<void> {
				if (events.first === 1) await super.keepCall(session, events);
			}
		},
		fails: [callMissed, callGoesOn, noFrame, foreignCall, callGap, unknownCall, knownCall],
	},
	{
		name: 'waits for a call without an end',
		Manager: class extends PlainManager {
			constructor() {
				super({ callWaitMs: 60_000 });
			}
		},
		fails: [unknownCall],
	},
	{
		name: 'waits for no call',
		Manager: class extends PlainManager {
			constructor() {
				super({ callWaitMs: 0, bounds: { messages: 50, ageMs: 50 } });
			}
		},
		fails: [knownCall],
	},
	{
		name: 'keeps messages without an end',
		Manager: class extends PlainManager {
			constructor() {
				super({ bounds: {} });
			}
		},
		fails: [tooOld, prunedBroadcast],
	},
	{
		name: 'refuses a stream that is one too many',
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
