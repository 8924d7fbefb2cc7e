/** The resources to which sessions subscribe, one each. */
export const resourceUris: readonly string[] = Array.from(
	{ length: 10 },
	(_, index) => `soak://resource/${index}`,
);

/** The order to a Worker to publish: to one session, to the subscribers of a resource, or to all. */
export interface Publication {
	/** An SSE frame without an id. */
	readonly frame: string;
	readonly session?: string | undefined;
	readonly uri?: string | undefined;
}
