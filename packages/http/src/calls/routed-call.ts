import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';
import type { AuthInfo } from 'tmcp';

import type { ConnectedExtension } from '../endpoint/server-extension.ts';
import type { ExecutionContextLike, McpHandlerOptions } from '../options.ts';
import type { StateSecrets } from '../request-state/default-sealing.ts';
import type { Answer } from '../response/answer.ts';
import type { OnPrimed } from './in-flight-calls.ts';

/** A request that a Worker has checked and sent to the object of its session: plain data for an RPC. */
export interface RoutedCall {
	/** `POST` for a message, `DELETE` for the end of a session. */
	readonly method: string;
	/** Keyed by lower-case name: `ROUTED_HEADERS`, or all headers of a stateless request. */
	readonly headers: Readonly<Record<string, string>>;
	/** Empty if the request has no body. */
	readonly body: string;
	/**
	 * The id of the session, which the Worker has verified or, for `initialize`, has made. Empty for a
	 * stateless request.
	 */
	readonly sessionId: string;
	/** Empty if sessions belong to no principal. */
	readonly principal: string;
	readonly auth: AuthInfo | null;
}

/**
 * Answers a routed call. Never rejects: an error is an answer, and is reported to `onError`.
 *
 * @param platform keeps the call alive with its `waitUntil`.
 */
export type RunCall = (call: RoutedCall, platform: ExecutionContextLike) => Promise<Answer>;

/** Answers routed calls. */
export interface CallRunner {
	readonly run: RunCall;
	/** The extension of the server, if it has one. */
	readonly extension: ConnectedExtension | undefined;
}

/** What a server that answers routed calls depends on. */
export interface CallRunnerOptions extends Pick<
	McpHandlerOptions,
	| 'authorizeSubscription'
	| 'clientResponseTimeoutSeconds'
	| 'eras'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'onError'
	| 'tasks'
	| 'telemetry'
> {
	/** The id of the object, for its extension. */
	readonly objectId?: string | undefined;
	readonly streams: StreamSessionManager;
	readonly info: InfoSessionManager;
	readonly subscriptions?: SubscriptionManager | undefined;
	/** Called when the stream of a lasting call becomes resumable under this name. */
	readonly onPrimed?: OnPrimed | undefined;
	/**
	 * Returns the secrets that seal the request states of a server without a codec. Default:
	 * they are not sealed.
	 */
	readonly stateSecrets?: StateSecrets | undefined;
}
