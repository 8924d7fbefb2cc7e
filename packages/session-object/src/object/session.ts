import type { createMcpHandler } from '@tmcp-sessions/http';

import type { SessionArtifacts } from '../features/artifacts.ts';
import type { SessionCalls } from '../features/call-journal.ts';
import type { ContextValues, SessionContext } from '../features/session-context.ts';
import type { SessionAuth } from '../features/session-auth.ts';

/** A tmcp server, whatever its schemas; `sdkServer` makes one of an official one. */
export type SessionServer = Parameters<typeof createMcpHandler>[0];

/** What a session's tools have of it: state that outlives deployments and evictions. */
export interface Session<Values extends ContextValues = Record<string, unknown>> {
	/** Of the object: the same for as long as the session is. Not the id that the client has. */
	readonly objectId: string;
	/** Keys and JSON values, validated. */
	readonly context: SessionContext<Values>;
	/** Tokens for other services, encrypted where they are kept. */
	readonly auth: SessionAuth;
	/** Calls that are not answered yet. */
	readonly calls: SessionCalls;
	/** Large things that the session made. */
	readonly artifacts: SessionArtifacts;
	/** For tables of one's own, made by `settings.migrations`. Names that begin with `tmcp_` are taken. */
	readonly sql: SqlStorage;
	/** Keeps the object at work until the promise has settled. A failure goes to `onError`. */
	waitUntil(work: Promise<unknown>): void;
	/**
	 * Has `onSchedule` do something at a time, at least once, by name: scheduled again it moves. It is no
	 * use of its session, and goes with it when that expires before.
	 *
	 * @param when a Date, or milliseconds since the epoch.
	 * @param payload JSON.
	 */
	schedule(name: string, when: Date | number, payload?: unknown): void;
	/** @returns whether it was scheduled. */
	unschedule(name: string): boolean;
}
