import type { ErrorReporter } from '@tmcp-sessions/core';

/** Options of the managers that share a `SyncLayer`. */
export interface SyncLayerOptions {
	/** Called when messages or sockets to the object are lost. Default: logs to the console. */
	readonly onError?: ErrorReporter | undefined;
	/**
	 * The jurisdiction that the objects stay in. Default: none. Objects of one jurisdiction share no
	 * streams with those of another. A local workerd supports no jurisdictions.
	 */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
	/**
	 * How long the object may take to accept a socket, in milliseconds, on each attempt. Default: 10,000,
	 * which is also the most for an inbox.
	 */
	readonly openTimeoutMs?: number | undefined;
}
