import type { McpServerFactory } from '@modelcontextprotocol/server';
import { BoundedSubscriptionManager, hasResumableStreams } from '@tmcp-sessions/core/internal';
import {
	answerDirectly,
	bindSubscriptionsToRequest,
	createCalls,
	endResumedCalls,
	ExtensionRequests,
	isDirect,
} from '@tmcp-sessions/http/server';
import type {
	HandleMessage,
	InFlightCalls,
	ServerBackend,
	ServerBackendDeps,
} from '@tmcp-sessions/http/server';

import { createBroadcast } from './changes/broadcast.ts';
import type { Broadcast } from './changes/broadcast.ts';
import { createServerWith } from './server/create-server.ts';
import { createAccess } from './session-based/extension-access.ts';
import { createHandling } from './session-based/handle-message.ts';
import { CallFrames, respond } from './session-based/respond.ts';
import { ServerRequests } from './session-based/server-requests.ts';
import { ListenBus } from './stateless/listen-bus.ts';
import { createStateless } from './stateless/serve-stateless.ts';

/** The stateless revisions that the SDK 2.4 supports, which it does not export. */
const STATELESS_REVISIONS: readonly string[] = ['2026-07-28'];

/** A server of the SDK, connected to the managers of a deployment. */
export interface SdkBackend extends ServerBackend<undefined> {
	readonly broadcast: Broadcast;
}

/** Connects the servers of a factory to the managers of a deployment. */
export function createSdkBackend(
	factory: McpServerFactory,
	options: ServerBackendDeps,
): SdkBackend {
	const { authorizeSubscription, info, keepAliveMs, report } = options;
	const canResume = hasResumableStreams(options.streams);
	const serverRequests = new ServerRequests();
	const extensionRequests = new ExtensionRequests((response) => serverRequests.receive(response));
	const calls: InFlightCalls = createCalls(
		options.extension ? extensionRequests : serverRequests,
		options,
	);
	const streams = endResumedCalls(options.streams, calls);
	const subscriptions = bindSubscriptionsToRequest(
		options.subscriptions ?? new BoundedSubscriptionManager(),
		report,
	);
	const broadcast = createBroadcast({ info, report, streams, subscriptions });
	const createServer = createServerWith(factory);
	const frames = new CallFrames();
	const handling = createHandling({
		createServer,
		info,
		calls: () => calls,
		serverRequests,
		broadcast,
		canResume,
		authorizeSubscription,
		write: (context, frame) => frames.write(context, frame),
		report,
	});
	// Safe because `calls` hands over messages with the context that the type describes.
	const handle = handling.handle as HandleMessage;
	const bus = new ListenBus(subscriptions, broadcast);
	const serveStateless = createStateless({
		createServer,
		bus,
		broadcast,
		authorizeSubscription,
		withholdsResponses: options.extension !== undefined,
		report,
	});
	const deps = { info, streams, subscriptions, handling, frames };
	return {
		calls,
		broadcast,
		pacesStreams: canResume,
		access: createAccess({
			calls,
			createServer,
			extensionRequests,
			handle,
			handling,
			info,
			report,
			serverRequests,
		}),
		server: {
			statelessRevisions: STATELESS_REVISIONS,
			answerDirectly(context, custom, known) {
				if (!isDirect(context, info)) return undefined;
				return answerDirectly(handle, info, context, custom, known, keepAliveMs);
			},
			async respond(context, { message }) {
				const received = message ?? context.takeMessage();
				return context.isStateless
					? serveStateless(context, received)
					: respond(deps, context, received);
			},
		},
	};
}
