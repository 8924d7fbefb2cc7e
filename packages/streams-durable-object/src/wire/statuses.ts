/** The status of a stream that would share a socket which the object does not have. */
export const UNKNOWN_SOCKET = 409;

/** The status of a stream that would share a socket whose attachment is full. */
export const NO_ROOM = 507;
