/** What the process ends with. Scripts may rely on these numbers. */
export const EXIT = {
	/** Everything that was asked for is done, and no check failed. */
	passed: 0,
	/** A check failed. */
	failed: 1,
	/** The arguments or the files of the project cannot be used. */
	usage: 2,
	/** The address cannot be probed: no network, no MCP endpoint, no permission. */
	unreachable: 3,
	/** Ctrl-C, as shells report it. */
	interrupted: 130,
} as const;

/** An exit code of the command line. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
