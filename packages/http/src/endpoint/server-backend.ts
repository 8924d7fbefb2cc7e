import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';

import type { InFlightCalls, OnPrimed } from '../calls/in-flight-calls.ts';
import type { AuthorizeSubscription } from '../options.ts';
import type { DefaultCodec } from '../request-state/default-sealing.ts';
import type { CarriedSecrets } from '../request/request-context.ts';
import type { MessageServer } from './message-server.ts';
import type { ExtensionAccess } from './server-extension.ts';

/** What a handler connects a server to. */
export interface ServerBackendDeps {
	readonly streams: StreamSessionManager;
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly subscriptions?: SubscriptionManager | undefined;
	/** Whether callers are authenticated, so that the server gets their `auth`. */
	readonly hasAuth: boolean;
	/** Set if an extension may send server requests. */
	readonly extension?: object | undefined;
	readonly clientResponseTimeoutMs: number;
	/** The longest time without a byte to a client that waits for a response. */
	readonly keepAliveMs: number;
	readonly onPrimed?: OnPrimed | undefined;
	/** Seals the request states of a server without a codec. */
	readonly defaultCodec: DefaultCodec;
	readonly authorizeSubscription?: AuthorizeSubscription | undefined;
	/** Returns the secrets for what clients carry, for background calls. */
	readonly secrets?: CarriedSecrets | undefined;
	readonly report: (error: unknown) => void;
}

/** A server, connected to the managers of a deployment. */
export interface ServerBackend<Custom> {
	readonly calls: InFlightCalls;
	/** Whether the manager bounds GET streams, so that they are read no faster than their client reads. */
	readonly pacesStreams: boolean;
	readonly server: MessageServer<Custom>;
	/** What an extension of the handler may use. */
	readonly access: ExtensionAccess;
}

/** Connects a server of one library to the managers of a deployment. */
export type ConnectServer<Custom> = (options: ServerBackendDeps) => ServerBackend<Custom>;
