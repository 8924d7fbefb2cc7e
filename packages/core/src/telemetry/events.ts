/**
 * A message that a server has handled: a request, or a notification. Published on
 * `tmcp-sessions:request`. Where sessions are objects, it is published in the object.
 */
export interface RequestEvent {
	/** The method, such as `tools/call`. `_OTHER` for one that the specification does not define. */
	readonly method: string;
	/** The tool or the prompt, if the server has it. */
	readonly name?: string | undefined;
	readonly era: 'session-based' | 'stateless';
	/** The revision of the protocol, if the request or its session names one. */
	readonly protocolVersion?: string | undefined;
	/**
	 * How long the server took, in milliseconds. Workers freeze their clock while code runs: there it is
	 * the time that the server waited for others. A subscription ends with its acknowledgement.
	 */
	readonly durationMs: number;
	/** `tool-error` for a result with `isError`, `error` for a JSON-RPC error. */
	readonly outcome: 'error' | 'ok' | 'tool-error';
	/** The code of the JSON-RPC error. */
	readonly errorCode?: number | undefined;
}

/** A session was opened or ended. Published on `tmcp-sessions:session`. A session that expires publishes none. */
export interface SessionEvent {
	readonly action: 'ended' | 'opened';
	/** How long the session was open, in milliseconds, if the request that ends it has read its record. */
	readonly durationMs?: number | undefined;
}

/** A stream of a session was opened or closed. Published on `tmcp-sessions:stream`. */
export interface StreamEvent {
	readonly action: 'closed' | 'opened';
	/** `session`: a GET stream. `call`: a response that streams. */
	readonly kind: 'call' | 'session';
	/** How long the stream was open, in milliseconds. Only of a closed one. */
	readonly durationMs?: number | undefined;
}

/** A `subscriptions/listen` was opened or closed. Published on `tmcp-sessions:subscription`. */
export interface SubscriptionEvent {
	readonly action: 'closed' | 'opened';
	/** How long the subscription was open, in milliseconds. Only of a closed one. */
	readonly durationMs?: number | undefined;
}

/** A task was created, or has ended. Published on `tmcp-sessions:task`. */
export interface TaskEvent {
	readonly action: 'created' | 'ended';
	/** The tool that runs as a task. */
	readonly tool: string;
	/** How the task ended: `cancelled`, `completed` or `failed`. */
	readonly status?: string | undefined;
	/** The age of the task, in milliseconds. Only of one that ended. */
	readonly durationMs?: number | undefined;
}

/** A backend was called. Published on `tmcp-sessions:storage`. Retries belong to their operation. */
export interface StorageEvent {
	/** The folder name of the package, such as `info-kv`. */
	readonly packageName: string;
	/** What it did: "reading a session". */
	readonly operation: string;
	/** In milliseconds. */
	readonly durationMs: number;
	readonly hasFailed: boolean;
}

/** A request was rejected, or failed. Published on `tmcp-sessions:rejection`. */
export interface RejectionEvent {
	/** The HTTP status. */
	readonly status: number;
	/** The code of the JSON-RPC error. */
	readonly errorCode: number;
	/** The `code` of the `TmcpSessionsError`, if one was the cause. */
	readonly cause?: string | undefined;
}

/** What each channel publishes. No event holds an id, a token or an argument of a client. */
export interface TelemetryEvents {
	readonly request: RequestEvent;
	readonly session: SessionEvent;
	readonly stream: StreamEvent;
	readonly subscription: SubscriptionEvent;
	readonly task: TaskEvent;
	readonly storage: StorageEvent;
	readonly rejection: RejectionEvent;
}
