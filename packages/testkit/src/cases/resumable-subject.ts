import type { ResumableStreams } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';

/** The stream manager with resumable streams that a case tests. */
export interface ResumableUnderTest {
	readonly manager: StreamSessionManager & ResumableStreams;
	/** The manager of another isolate over the same backend; `manager` itself if it has one isolate only. */
	readonly elsewhere: StreamSessionManager & ResumableStreams;
	/** Like `manager`, but waits at most 100 ms for the first event of an unknown call. */
	readonly impatient: StreamSessionManager & ResumableStreams;
	/** Evicts the objects of the backend from memory, as after 10 s of idleness. Streams stay open. */
	evict(): Promise<void>;
	/** The errors that the managers reported to `onError`. */
	readonly errors: readonly Error[];
	/** More messages than the log of all sessions holds. */
	readonly manyMessages: number;
	/** Returns what the backend reads while a function runs, such as rows. Omit it if it cannot be counted. */
	readonly readsOf?: ((run: () => Promise<void>) => Promise<number>) | undefined;
}

/** The arguments of a case. */
export interface ResumableSubject extends ResumableUnderTest {
	/** Returns a session id that no other case uses, ending in `label`. */
	id(label: string): string;
}

/** One requirement of every stream manager whose streams can be resumed. `run` rejects if it is violated. */
export interface ResumableCase {
	readonly name: string;
	run(subject: ResumableSubject): Promise<void>;
}

/** Creates the managers for one case. The backend may hold data of other cases. */
export type ResumableFactory = () => ResumableUnderTest | Promise<ResumableUnderTest>;
