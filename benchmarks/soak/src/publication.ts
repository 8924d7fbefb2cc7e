/** What a Worker is asked to publish: to one session, to the subscribers of a uri, or to all. */
export interface Publication {
	/** An SSE frame without an id. */
	readonly frame: string;
	readonly session?: string | undefined;
	readonly uri?: string | undefined;
}
