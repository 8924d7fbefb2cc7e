import {
	currentScope,
	InMemoryStreamSessionManager,
	isCallStream,
	parseEventId,
	runInScope,
} from '@tmcp-sessions/core';
import type { CallEvents, InMemoryStreamOptions } from '@tmcp-sessions/core';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Right, in a form whose parts can be replaced. */
export class PlainManager extends InMemoryStreamSessionManager {
	readonly errors: Error[];

	constructor(options: InMemoryStreamOptions = {}) {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		super({ bounds: { messages: 50 }, callWaitMs: 100, onError, ...options });
		this.errors = errors;
	}

	override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
		super.create(
			id,
			new Proxy(controller, {
				get: (target, key) => {
					if (key === 'enqueue') return (chunk: Uint8Array) => this.write(target, chunk);
					const value: unknown = Reflect.get(target, key);
					return typeof value === 'function' ? (value.bind(target) as unknown) : value;
				},
			}),
		);
	}

	write(controller: ReadableStreamDefaultController<Uint8Array>, chunk: Uint8Array): void {
		const frame = this.written(decoder.decode(chunk));
		controller.enqueue(encoder.encode(frame));
	}

	/** What becomes of a frame on its way to the client. */
	written(frame: string): string {
		return frame;
	}
}

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

/** Managers that are wrong, each in its way. */
export const wrongResumables: readonly WrongResumables[] = [
	{
		name: 'begins a stream without an id',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^id: \S+\n(retry: )/, '$1');
			}
		},
		fails: [],
	},
	{
		name: 'says nowhere when to come back',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^retry: \d+\n/m, '');
			}
		},
		fails: [],
	},
	{
		name: 'names all streams alike',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^id: 0\/[^:]+:/, 'id: one:');
			}
		},
		fails: [],
	},
	{
		name: 'looks at no last event id',
		Manager: class extends PlainManager {
			override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
				if (resumesCall()) return super.create(id, controller);
				withLastEventId(undefined, () => super.create(id, controller));
			}
		},
		fails: [],
	},
	{
		name: 'hides gaps',
		Manager: class extends PlainManager {
			override written(frame: string): string {
				return frame.replace(/^: gap, .*\n/m, '');
			}
		},
		fails: [],
	},
	{
		name: 'tells nobody of gaps',
		Manager: class extends PlainManager {
			constructor() {
				super({ onError: () => {} });
			}
		},
		fails: [],
	},
	{
		name: 'sends everything twice',
		Manager: class extends PlainManager {
			override send(sessions: string[] | undefined, data: string): void {
				super.send(sessions, data);
				super.send(sessions, data);
			}
		},
		fails: [],
	},
	{
		name: 'sends what is for one to all',
		Manager: class extends PlainManager {
			override send(_sessions: string[] | undefined, data: string): void {
				super.send(undefined, data);
			}
		},
		fails: [],
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
		fails: [],
	},
	{
		name: 'does not end a stream with the answer',
		Manager: class extends PlainManager {
			override keepCall(session: string, events: CallEvents): Promise<void> {
				return super.keepCall(session, { ...events, isComplete: false });
			}
		},
		fails: [],
	},
	{
		name: 'keeps of a call what comes first and nothing else',
		Manager: class extends PlainManager {
			override async keepCall(session: string, events: CallEvents): Promise<void> {
				if (events.first === 1) await super.keepCall(session, events);
			}
		},
		fails: [],
	},
	{
		name: 'waits for a call without an end',
		Manager: class extends PlainManager {
			constructor() {
				super({ callWaitMs: 60_000 });
			}
		},
		fails: [],
	},
	{
		name: 'waits for no call',
		Manager: class extends PlainManager {
			constructor() {
				super({ callWaitMs: 0, bounds: { messages: 50, ageMs: 50 } });
			}
		},
		fails: [],
	},
	{
		name: 'keeps messages without an end',
		Manager: class extends PlainManager {
			constructor() {
				super({ bounds: {} });
			}
		},
		fails: [],
	},
	{
		name: 'knows an ended session’s streams',
		Manager: class extends PlainManager {
			readonly #renamed = new Map<string, string>();
			override delete(id: string): void {
				// Its streams are ended, and what they could be resumed from stays.
				super.delete(id);
				this.#renamed.set(id, id);
			}
		},
		fails: [],
	},
];
