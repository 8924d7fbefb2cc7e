import { hasResumableStreams } from '@tmcp-sessions/core/internal';
import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import type { HttpTransportOptions } from '@tmcp/transport-http';

import { createInFlightCalls } from '../calls/create-in-flight-calls.ts';
import type { InFlightCalls, OnPrimed } from '../calls/in-flight-calls.ts';
import type { ServerOf } from '../options.ts';
import { currentContext } from '../request/request-context.ts';
import { corsOptions } from '../response/cors.ts';
import { claimBroadcasts, withoutBroadcasts } from './broadcasts.ts';
import { bindSubscriptionsToRequest } from './request-bound-subscriptions.ts';
import { endResumedCalls } from './resumed-streams.ts';
import { TmcpMessageServer } from './tmcp-message-server.ts';
import { createTrackedServer } from './tracked-server.ts';

/** What a tmcp server is connected to. */
export interface TmcpBackendOptions {
	readonly streams: StreamSessionManager;
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly subscriptions?: SubscriptionManager | undefined;
	readonly cors?: HttpTransportOptions['cors'];
	/** Null for every path. */
	readonly path: string | null;
	/** Whether callers are authenticated, so that the transport hands their `auth` on. */
	readonly hasAuth: boolean;
	readonly clientResponseTimeoutMs: number;
	readonly onPrimed?: OnPrimed | undefined;
	readonly report: (error: unknown) => void;
}

/** A tmcp server, connected to the managers of a deployment. */
export interface TmcpBackend<Custom extends Record<string, unknown> | undefined> {
	readonly calls: InFlightCalls;
	readonly pacesStreams: boolean;
	/** Returns the transport, which is created at the first call or in the next microtask. */
	readonly transport: () => HttpTransport<Custom>;
	/** Creates what answers validated requests. */
	readonly createServer: () => TmcpMessageServer<Custom>;
}

/** Connects a tmcp server to the managers of a deployment. */
export function createTmcpBackend<Custom extends Record<string, unknown> | undefined>(
	server: ServerOf<Custom>,
	options: TmcpBackendOptions,
): TmcpBackend<Custom> {
	const { streams, info, cors, clientResponseTimeoutMs, onPrimed, report } = options;
	const canResume = hasResumableStreams(streams);
	const resumable = canResume ? streams : undefined;
	const calls = createInFlightCalls(server, {
		...{ streams, resumable, clientResponseTimeoutMs, onPrimed, report },
	});
	const isFirst = claimBroadcasts(server, streams);
	const broadcasting = isFirst ? streams : withoutBroadcasts(streams);
	const tracked = createTrackedServer(server, { info, report, calls, canResume });
	let created: HttpTransport<Custom> | undefined;
	const transport = (): HttpTransport<Custom> =>
		(created ??= new HttpTransport<Custom>(
			tracked.server,
			transportOptions(options, endResumedCalls(broadcasting, calls)),
		));
	queueMicrotask(transport);
	return {
		...{ calls, pacesStreams: canResume, transport },
		createServer: () =>
			new TmcpMessageServer<Custom>({
				...{ transport: transport(), handle: tracked.handle, info },
				hasCors: Boolean(cors),
			}),
	};
}

function transportOptions(
	{ cors, hasAuth, info, path, report, subscriptions }: TmcpBackendOptions,
	streams: StreamSessionManager,
): HttpTransportOptions {
	return {
		path,
		getSessionId: () => currentContext()?.sessionId ?? '',
		sessionManager: { streams, ...(info && { info }) },
		...(subscriptions && {
			subscriptionManager: bindSubscriptionsToRequest(subscriptions, report),
		}),
		// The origin guard has checked the origin, with the host.
		allowedOrigins: true,
		...corsOptions(cors),
		// The endpoint has authenticated the caller, to whom the session belongs.
		...(hasAuth && {
			oauth: {
				respond: () => Promise.resolve(null),
				verify: () => Promise.resolve(currentContext()?.auth ?? null),
			},
		}),
	};
}
