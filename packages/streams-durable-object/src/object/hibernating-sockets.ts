/** A socket with its attachment, which the platform keeps through hibernation. */
export interface AttachedSocket<Attachment> {
	readonly socket: WebSocket;
	readonly attachment: Attachment;
}

/** Returns the open sockets whose attachment the guard accepts. */
export function openSockets<Attachment>(
	sockets: readonly WebSocket[],
	isAttachment: (attachment: unknown) => attachment is Attachment,
): AttachedSocket<Attachment>[] {
	return sockets.flatMap((socket) => {
		const attachment: unknown = socket.deserializeAttachment();
		const isOpen = socket.readyState === WebSocket.OPEN;
		return isOpen && isAttachment(attachment) ? [{ socket, attachment }] : [];
	});
}

/** Returns whether the attachment has a session: it is that of a stream or of a resumed call. */
export function hasSession(attachment: unknown): attachment is { readonly session: string } {
	return (
		typeof attachment === 'object' &&
		attachment !== null &&
		'session' in attachment &&
		typeof attachment.session === 'string'
	);
}

/**
 * Returns the tag of a client's sockets of a kind, by which they are counted. None if the client is
 * unknown.
 *
 * @param client a hash.
 */
export function clientTags(kind: string, client: string | undefined): string[] {
	return client === undefined ? [] : [`${kind}-of:${client}`];
}

/**
 * Sends a message. Returns false if the socket is dead: before its close event has arrived, `send`
 * throws, which must not stop a publish to the other sockets.
 */
export function trySend(socket: WebSocket, message: string): boolean {
	try {
		socket.send(message);
		return true;
	} catch {
		closeQuietly(socket);
		return false;
	}
}

/** Closes a socket, which may be closed already. */
export function closeQuietly(socket: WebSocket, code = 1000): void {
	try {
		socket.close(code);
	} catch {
		// Closed already.
	}
}
