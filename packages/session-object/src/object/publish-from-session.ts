import { TmcpSessionsError } from '@tmcp-sessions/core';
import { publishToReceivers } from '@tmcp-sessions/streams-durable-object/internal';
import type { SyncLayers } from '@tmcp-sessions/streams-durable-object/internal';

import { notificationOf } from '../change.ts';
import type { Change } from '../change.ts';
import { SessionStateError } from '../errors.ts';
import type { ContextValues } from '../features/session-context.ts';
import { PACKAGE } from '../package-name.ts';
import type { SessionSettings } from './session-settings.ts';
import type { SessionState } from './session-state.ts';

/** Returns the objects that changes are published through, which are in the jurisdiction of this one. */
export function layersOf(
	{ syncLayer: binding }: Pick<SessionSettings, 'syncLayer'>,
	{ id }: DurableObjectState,
): SyncLayers | undefined {
	// Safe because an object has the jurisdiction that its router was given.
	const jurisdiction = id.jurisdiction as DurableObjectJurisdiction | undefined;
	return binding === undefined ? undefined : { binding, jurisdiction };
}

/**
 * Publishes a change for `session.publish`.
 *
 * @throws {TmcpSessionsError} `configuration`, if the change is invalid or `settings.syncLayer` is missing.
 * @throws {SessionStateError} if the session has ended.
 */
export async function publishFrom<Values extends ContextValues>(
	{ entries, lifetime }: SessionState<Values>,
	layers: SyncLayers | undefined,
	change: Change,
): Promise<void> {
	if (!layers) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			'session.publish needs settings.syncLayer: export SyncLayer from the Worker, bind it, and set ' +
				"syncLayer to the name of the binding, such as 'TMCP_DURABLE_OBJECT'",
		);
	}
	const notification = notificationOf(change);
	entries.checkOpen();
	if (lifetime.hasEnded) {
		throw new SessionStateError(
			'the session has ended and publishes nothing more; use publishChange for background work that ' +
				'can outlive its session',
		);
	}
	await publishToReceivers(layers, notification);
}
