/** What sessions subscribe to, each to one. */
export const resourceUris: readonly string[] = Array.from(
	{ length: 10 },
	(_, index) => `soak://resource/${index}`,
);
