import type { ResumableStreams } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';

/** A stream manager with resumable streams as the suite needs it. */
export interface ResumableUnderTest {
	readonly manager: StreamSessionManager & ResumableStreams;
	/** The manager of another isolate over the same backend; where there is one only, that one. */
	readonly elsewhere: StreamSessionManager & ResumableStreams;
	/** Like `manager`, but that it waits for 100 ms at most for a call of which nothing is known. */
	readonly impatient: StreamSessionManager & ResumableStreams;
	/** Puts what serves the backend out of memory, as idleness would. Streams stay open. */
	evict(): Promise<void>;
	/** What `onError` of the managers was told. */
	readonly errors: readonly Error[];
	/** The log holds fewer messages than this, of whatever session they are. */
	readonly manyMessages: number;
}

/** What a case works with. */
export interface ResumableSubject extends ResumableUnderTest {
	/** A session id that no other case uses, ending in `label`. */
	id(label: string): string;
}

/** One thing that holds for every stream manager whose streams can be resumed. */
export interface ResumableCase {
	readonly name: string;
	run(subject: ResumableSubject): Promise<void>;
}

/** Opens a stream manager for one case; the backend may hold what other cases left there. */
export type ResumableFactory = () => ResumableUnderTest | Promise<ResumableUnderTest>;
