import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import type { SyncLayerBinding } from '@tmcp-sessions/streams-durable-object';
import {
	DEFAULT_BINDING,
	publishToReceivers,
} from '@tmcp-sessions/streams-durable-object/internal';

import { notificationOf } from '../change.ts';
import type { Change } from '../change.ts';
import { PACKAGE } from '../package-name.ts';

/** Configures `publishChange`. */
export interface PublishOptions {
	/** The namespace of `SyncLayer`, or the name of its binding. Default: `TMCP_DURABLE_OBJECT`. */
	readonly syncLayer?: SyncLayerBinding | undefined;
	/** The jurisdiction of the session objects. Default: none. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

const OPTIONS: OptionNames<PublishOptions> = { syncLayer: 1, jurisdiction: 1 };

/**
 * Publishes a change to the clients of every session object, and to the stateless subscriptions of the
 * same `SyncLayer`. For Workers, cron jobs and queue consumers; a tool uses `session.publish`.
 *
 * Resolves when the change is stored and is certain to be delivered.
 *
 * @throws {TmcpSessionsError} `configuration`, if the change is invalid.
 * @throws {StreamError} if an object of `SyncLayer` cannot be reached. Then some clients may have it.
 */
export async function publishChange(change: Change, options: PublishOptions = {}): Promise<void> {
	rejectUnknownOptions(options, OPTIONS, PACKAGE, 'publishChange');
	const { syncLayer: binding = DEFAULT_BINDING, jurisdiction } = options;
	await publishToReceivers({ binding, jurisdiction }, notificationOf(change));
}
