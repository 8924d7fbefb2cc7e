import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { checkOptionNames, createCallRunner } from '@tmcp-sessions/http/internal';
import type { CallRunner, ConnectedExtension, RunCall } from '@tmcp-sessions/http/internal';

import type { InterruptedCall, ToolResult } from '../features/call-journal.ts';
import type { RefreshAuth } from '../features/session-auth.ts';
import type { ContextValues } from '../features/session-context.ts';
import type { Entries } from '../storage/entries.ts';
import { createJournaledServer } from './journaled-server.ts';
import type { JournaledServer, RunToolCall } from './journaled-server.ts';
import { LegacySseSessions } from './legacy-sse-sessions.ts';
import { listKindsOf } from './list-kinds.ts';
import { ObjectStreams } from './object-streams.ts';
import { ObjectSubscriptions } from './object-subscriptions.ts';
import { layersOf, publishFrom } from './publish-from-session.ts';
import { PublishedChanges } from './published-changes.ts';
import type { ObjectPer } from './session-request.ts';
import { checkSettingNames } from './session-settings.ts';
import type { SessionSettings } from './session-settings.ts';
import { stateSecret } from './state-secret.ts';
import { SessionState } from './session-state.ts';
import type { Session, SessionServer } from './session.ts';

/** The parts of a running session object, wired together. */
export interface Instance<Values extends ContextValues> {
	readonly state: SessionState<Values>;
	/** The server as `createServer` returned it. */
	readonly server: SessionServer;
	/** Answers requests of Streamable HTTP. */
	readonly handle: RunCall;
	/** The extension of the settings, such as tasks. */
	readonly extension: ConnectedExtension | undefined;
	readonly streams: ObjectStreams;
	readonly legacySse: LegacySseSessions;
	/** Receives published changes. Undefined without `settings.syncLayer`. */
	readonly changes: PublishedChanges | undefined;
}

/** What an instance needs from the user's class. */
export interface InstanceOptions<Values extends ContextValues> {
	readonly context: DurableObjectState;
	readonly env: unknown;
	readonly settings: SessionSettings<Values>;
	readonly createServer: (session: Session<Values>) => SessionServer;
	readonly refreshAuth: RefreshAuth | undefined;
	readonly resumeCall:
		| ((call: InterruptedCall, session: Session<Values>) => Promise<ToolResult> | ToolResult)
		| undefined;
	readonly runCall: RunToolCall;
	readonly now: () => number;
	/** Whether the object is deleted with its session. */
	readonly endsWithSession: () => boolean;
	/** Called before a lost session of the legacy SSE transport is ended. */
	readonly onEndingLegacySse: (objectPer: ObjectPer) => void;
}

/**
 * Creates the parts of a running session object.
 *
 * @throws {TmcpSessionsError} `configuration` if the settings are invalid or have an old name.
 */
export function createInstance<Values extends ContextValues>(
	options: InstanceOptions<Values>,
): Instance<Values> {
	const { context, env, settings, now, resumeCall, refreshAuth, endsWithSession } = options;
	checkOptionNames(settings);
	checkSettingNames(settings);
	const layers = layersOf(settings, context);
	const state: SessionState<Values> = new SessionState<Values>({
		state: context,
		env,
		settings,
		now,
		refreshAuth,
		resumeCall: resumeCall && ((call) => resumeCall(call, state.session)),
		keepResponse: (session, events) => streams.keep(session, events),
		sendResponse: (session, frame) => legacySse.send(session, frame),
		hasOpenStream: (session) => streams.isOpen(session),
		publish: (change) => publishFrom(state, layers, change),
		onSubscribe: () => changes?.extend(),
		onUnsubscribe: () => {
			if (changes) context.waitUntil(changes.reduce());
		},
		endsWithSession,
	});
	const { entries, alarm, info, report } = state;
	const streams = new ObjectStreams(context, entries, alarm);
	const server = options.createServer(state.session);
	const journaled = createJournaledServer(server, state.calls, options.runCall);
	const managers = { streams, info, entries };
	const objectId = context.id.toString();
	const { extension, run: handle } = createHandle(journaled, settings, managers, objectId);
	const changes = createPublishedChanges(state, { layers, object: objectId, server, streams });
	const legacySse: LegacySseSessions = new LegacySseSessions(settings, journaled.server, {
		entries,
		alarm,
		streams,
		info,
		context,
		now,
		report,
		onEnding: options.onEndingLegacySse,
	});
	return { state, server, handle, extension, streams, legacySse, changes };
}

interface PublishedChangesParts {
	readonly server: SessionServer;
	readonly streams: ObjectStreams;
	readonly layers: ReturnType<typeof layersOf>;
	readonly object: string;
}

/** Creates what receives published changes, if the object has layers. */
function createPublishedChanges<Values extends ContextValues>(
	{ entries, lifetime, report, store }: SessionState<Values>,
	{ layers, object, server, streams }: PublishedChangesParts,
): PublishedChanges | undefined {
	if (!layers) return undefined;
	return new PublishedChanges({
		layers,
		entries,
		store,
		streams,
		report,
		object,
		hasEnded: () => lifetime.hasEnded,
		listKinds: () => listKindsOf(server),
	});
}

interface ManagersOfObject {
	readonly streams: ObjectStreams;
	readonly info: StoredInfoSessionManager;
	readonly entries: Entries;
}

/** Creates what answers requests of Streamable HTTP. */
function createHandle(
	{ server, onPrimed }: JournaledServer,
	settings: Omit<SessionSettings, 'context' | 'lifetime'>,
	{ streams, info, entries }: ManagersOfObject,
	objectId: string,
): CallRunner {
	const { clientResponseTimeoutSeconds, eras, keepAliveSeconds, maxBodyBytes, onError } = settings;
	const { authorizeSubscription } = settings;
	return createCallRunner(server, {
		streams,
		info,
		subscriptions: new ObjectSubscriptions(streams),
		authorizeSubscription,
		clientResponseTimeoutSeconds,
		eras,
		keepAliveSeconds,
		maxBodyBytes,
		onError,
		onPrimed,
		stateSecrets: (to) => [stateSecret(entries, to)],
		objectId,
		tasks: settings.tasks,
		telemetry: settings.telemetry,
	});
}
