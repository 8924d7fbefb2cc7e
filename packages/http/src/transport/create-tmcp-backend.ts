import { BoundedSubscriptionManager, hasResumableStreams } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import type { HttpTransportOptions } from '@tmcp/transport-http';

import { answerDirectly, isDirect } from '../calls/direct-calls.ts';
import { createCalls } from '../backend/create-calls.ts';
import type { ServerInput } from '../endpoint/message-server.ts';
import type { ServerBackend, ServerBackendDeps } from '../endpoint/server-backend.ts';
import type { ServerOf } from '../options.ts';
import { inOneLine } from '../response/in-one-line.ts';
import { currentContext } from '../request/request-context.ts';
import type { RequestContext } from '../request/request-context.ts';
import { claimBroadcasts, withoutBroadcasts } from './broadcasts.ts';
import { bindSubscriptionsToRequest } from '../backend/request-bound-subscriptions.ts';
import { endResumedCalls } from '../backend/resumed-streams.ts';
import { STATELESS_REVISIONS } from './stateless-revisions.ts';
import { createExtensionAccess } from './extension-access.ts';
import { ExtensionRequests } from '../backend/extension-requests.ts';
import { matchTemplatesInLinearTime } from './template-matching.ts';
import { createTrackedServer } from './tracked-server.ts';
import { transportRequest } from './transport-request.ts';

/** Connects a tmcp server to the managers of a deployment. */
export function createTmcpBackend<Custom extends Record<string, unknown> | undefined>(
	server: ServerOf<Custom>,
	options: ServerBackendDeps,
): ServerBackend<Custom> {
	matchTemplatesInLinearTime();
	const { streams, info, defaultCodec, authorizeSubscription, report } = options;
	const canResume = hasResumableStreams(streams);
	const requests = new ExtensionRequests((response) => server.receive(response));
	const calls = createCalls(options.extension ? requests : server, options);
	const broadcasting = claimBroadcasts(server, streams) ? streams : withoutBroadcasts(streams);
	const tracked = createTrackedServer(server, {
		info,
		report,
		calls,
		canResume,
		defaultCodec,
		acceptsBatches: true,
		authorizeSubscription,
	});
	let created: HttpTransport<Custom> | undefined;
	const transport = (): HttpTransport<Custom> =>
		(created ??= new HttpTransport<Custom>(
			tracked.server,
			transportOptions(options, endResumedCalls(broadcasting, calls)),
		));
	queueMicrotask(transport);
	return {
		calls,
		pacesStreams: canResume,
		access: createExtensionAccess(server, {
			calls,
			handle: tracked.handle,
			info,
			report,
			requests,
			secrets: options.secrets,
			// The server sends frames only once the transport listens to it.
			prepare: transport,
		}),
		server: {
			statelessRevisions: STATELESS_REVISIONS,
			answerDirectly(context, custom, known) {
				if (!isDirect(context, info)) return undefined;
				return answerDirectly(tracked.handle, info, context, custom, known, options.keepAliveMs);
			},
			respond: (context, input) => respond(transport(), context, input),
		},
	};
}

async function respond<Custom extends Record<string, unknown> | undefined>(
	transport: HttpTransport<Custom>,
	context: RequestContext,
	{ custom, message }: ServerInput<Custom>,
): Promise<Response> {
	const response = await transport.respond(transportRequest(context, message), custom);
	if (!response) throw new Error('expected the transport to answer every path; got none');
	// Hot path: only errors are JSON. Streams are escaped by frame.
	return response.status < 400 ? response : inOneLine(response);
}

function transportOptions(
	options: ServerBackendDeps,
	streams: StreamSessionManager,
): HttpTransportOptions {
	const { hasAuth, info, report } = options;
	const subscriptions = options.subscriptions ?? new BoundedSubscriptionManager();
	return {
		// The endpoint has checked the path.
		path: null,
		getSessionId: () => currentContext()?.sessionId ?? '',
		sessionManager: { streams, ...(info && { info }) },
		subscriptionManager: bindSubscriptionsToRequest(subscriptions, report),
		// The origin guard has checked the origin, with the host.
		allowedOrigins: true,
		// The endpoint has authenticated the caller, to whom the session belongs.
		...(hasAuth && {
			oauth: {
				respond: () => Promise.resolve(null),
				verify: () => Promise.resolve(currentContext()?.origin.auth ?? null),
			},
		}),
	};
}
