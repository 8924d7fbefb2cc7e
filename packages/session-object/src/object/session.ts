import type { StateSource } from '@tmcp-sessions/core/backend';
import type { createMcpHandler } from '@tmcp-sessions/http';

import type { Change } from '../change.ts';
import type { SessionArtifacts } from '../features/artifacts.ts';
import type { SessionCalls } from '../features/call-journal.ts';
import type { ContextValues, SessionContext } from '../features/session-context.ts';
import type { SessionAuth } from '../features/session-auth.ts';

/**
 * A tmcp server with any schema type. `sdkServer` of `@tmcp-sessions/sdk` adapts servers of the official
 * SDK.
 */
export type SessionServer = Parameters<typeof createMcpHandler>[0];

/** Gives a session's tools access to its state, which survives deployments and evictions. */
export interface Session<Values extends ContextValues = Record<string, unknown>> {
	/** The object's id, which stays the same for the whole session. Differs from the client's session id. */
	readonly objectId: string;
	/** Validated JSON values by key. */
	readonly context: SessionContext<Values>;
	/** For `sessionState` of `@tmcp-sessions/state`, whose tools run also without a session object. */
	readonly state: StateSource;
	/** Tokens for other services, encrypted in the session's storage. */
	readonly auth: SessionAuth;
	/**
	 * Publishes a change to the clients of every session, through `settings.syncLayer`: to those with an
	 * open stream, and for a resource to those that subscribed to it. `server.changed` reaches the own
	 * session only.
	 *
	 * Resolves when the change is stored and is certain to be delivered.
	 */
	publish(change: Change): Promise<void>;
	/** The calls in flight. */
	readonly calls: SessionCalls;
	/** Large named objects that the session stores. */
	readonly artifacts: SessionArtifacts;
	/** For the tables that `settings.migrations` creates. Names that begin with `tmcp_` are reserved. */
	readonly sql: SqlStorage;
	/** Keeps the object in memory until the promise settles. A rejection is reported to `onError`. */
	waitUntil(promise: Promise<unknown>): void;
	/**
	 * Runs `onSchedule` at a time, at least once. Scheduling the same name again moves the job. A job
	 * does not extend the session, and is deleted with it.
	 *
	 * @param when a Date, or milliseconds since the epoch.
	 * @param payload JSON.
	 */
	schedule(name: string, when: Date | number, payload?: unknown): void;
	/** @returns whether the job was scheduled. */
	unschedule(name: string): boolean;
}
