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
import type { CreateServer } from './server/create-server.ts';
import { createAccess } from './session-based/extension-access.ts';
import { MessageHandling } from './session-based/handle-message.ts';
import { CallFrames, respond } from './session-based/respond.ts';
import type { RespondingDeps } from './session-based/respond.ts';
import { ServerRequests } from './session-based/server-requests.ts';
import { createStateless } from './stateless/serve-stateless.ts';
import type { ServeStateless } from './stateless/serve-stateless.ts';

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
	const { info, keepAliveMs, report, secrets } = options;
	const parts = createParts(factory, options);
	const { broadcast, calls, handling, pacesStreams, serveStateless } = parts;
	const handle: HandleMessage = (message, context) => handling.handle(message, context);
	return {
		calls,
		broadcast,
		pacesStreams,
		access: createAccess({ ...parts, handle, info, report, secrets }),
		server: {
			statelessRevisions: STATELESS_REVISIONS,
			answerDirectly(context, custom, known) {
				if (!isDirect(context, info)) return undefined;
				return answerDirectly(handle, info, context, custom, known, keepAliveMs);
			},
			async respond(context, { message }) {
				return context.isStateless
					? serveStateless(context, message)
					: respond(parts, context, message ?? context.takeMessage());
			},
		},
	};
}

/** The parts of a backend. */
interface Parts extends RespondingDeps {
	readonly broadcast: Broadcast;
	readonly calls: InFlightCalls;
	readonly createServer: CreateServer;
	readonly extensionRequests: ExtensionRequests;
	readonly pacesStreams: boolean;
	readonly serverRequests: ServerRequests;
	readonly serveStateless: ServeStateless;
}

function createParts(factory: McpServerFactory, options: ServerBackendDeps): Parts {
	const { authorizeSubscription, extension, info, report } = options;
	const canResume = hasResumableStreams(options.streams);
	const serverRequests = new ServerRequests();
	const extensionRequests = new ExtensionRequests((response) => serverRequests.receive(response));
	const calls = createCalls(extension ? extensionRequests : serverRequests, options);
	const streams = endResumedCalls(options.streams, calls);
	const own = options.subscriptions ?? new BoundedSubscriptionManager();
	const subscriptions = bindSubscriptionsToRequest(own, report);
	const broadcast = createBroadcast({ info, report, streams, subscriptions });
	const createServer = createServerWith(factory, 'createSdkHandler');
	const frames = new CallFrames();
	const shared = { authorizeSubscription, broadcast, createServer, report };
	const handling = new MessageHandling({
		...shared,
		info,
		calls,
		serverRequests,
		canResume,
		write: (context, frame) => frames.write(context, frame),
	});
	const serveStateless = createStateless({
		...shared,
		subscriptions,
		keepAliveMs: options.keepAliveMs,
		sealing: { defaultCodec: options.defaultCodec, states: 'every' },
	});
	return {
		broadcast,
		calls,
		createServer,
		extensionRequests,
		frames,
		handling,
		info,
		pacesStreams: canResume,
		serverRequests,
		serveStateless,
		streams,
		subscriptions,
	};
}
