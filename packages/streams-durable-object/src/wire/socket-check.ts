/**
 * The message with which a Worker checks whether the object still has its socket. The object sends it
 * back. It is neither a frame, nor numbered, nor JSON.
 */
export const SOCKET_CHECK = '?';
