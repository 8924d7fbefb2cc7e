/** The codes with which the object closes a stream for good. After any other code the Worker reconnects. */
export const FINAL_CLOSE_CODES = {
	/** The session has ended. */
	sessionEnded: 4000,
	/** The stream resumed a call, which is complete. */
	callComplete: 4001,
	/** The same stream has reconnected on another socket. */
	replaced: 4002,
	/** The session has too many streams, of which this is the oldest. */
	tooManyStreams: 4003,
} as const;
