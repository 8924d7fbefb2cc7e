/** The place of a stream among those of its isolate. A lost socket is replaced in another place. */
export interface StreamPlace {
	/** Streams of one isolate: any of their sockets can receive a message for all of them. */
	readonly group: string;
	/** The number of the stream in its isolate, never used twice. */
	readonly member: number;
}

/** The maximum number of streams in a group: the request that receives a message for all handles it. */
export const MAX_GROUP_SIZE = 64;

/** The maximum length of a group message before its frame. */
export const MAX_GROUP_HEADER_LENGTH: number = 8 * 1024;

/** A receiver: its member number, the number of the message among its messages, its channel. */
type GroupReceiver = readonly [member: number, number: number, channel: number];

/** A logged message for several streams of a group, on the socket of one of them. */
export interface GroupMessage {
	readonly shard: string;
	readonly epoch: string;
	readonly sequence: number;
	readonly to: readonly GroupReceiver[];
	/** Without an event id. */
	readonly frame: string;
}

/** How many messages were sent to a stream that now shares the socket. */
export type StreamCount = readonly [member: number, sent: number];

/** A message of the object on the socket of a stream. */
export type StreamMessage =
	| { readonly kind: 'frame'; readonly frame: string }
	/** With an empty frame: all messages before this number have been sent, on any socket of the group. */
	| { readonly kind: 'numbered'; readonly number: number; readonly frame: string }
	| { readonly kind: 'group'; readonly message: GroupMessage }
	/** The object has moved streams from a closed socket to this one. */
	| { readonly kind: 'moved'; readonly counts: readonly StreamCount[] }
	/** A stream that shares the socket has ended, with a code of `FINAL_CLOSE_CODES`. */
	| { readonly kind: 'closed'; readonly member: number; readonly code: number };

/** Returns a message to a stream with a place: its messages arrive on several sockets, hence numbered. */
export function formatNumbered(number: number, frame: string): string {
	return `${number} ${frame}`;
}

/** Returns a message to several streams of a group. */
export function formatGroup({ frame, ...header }: GroupMessage): string {
	return `${JSON.stringify(header)}\n${frame}`;
}

/** Returns the message that streams now share the socket. */
export function formatMoved(counts: readonly StreamCount[]): string {
	return JSON.stringify(['moved', counts]);
}

/** Returns the message that a stream which shares the socket has ended. */
export function formatClosed(member: number, code: number): string {
	return JSON.stringify(['closed', member, code]);
}

/** Returns the message of a Worker that streams of its group have ended. */
export function formatLeft(members: readonly number[]): string {
	return `-${members.join()}`;
}

/** Returns the streams that have ended, or `undefined` for another message. */
export function parseLeft(message: string | ArrayBuffer): number[] | undefined {
	if (typeof message !== 'string' || !message.startsWith('-')) return undefined;
	return message.slice(1).split(',').map(Number);
}

/** Parses a message of the object. A frame begins with neither a digit nor a bracket or brace. */
export function parseStreamMessage(text: string): StreamMessage {
	if (text.startsWith('[')) {
		// Safe because only the object sends on its sockets.
		const parsed = JSON.parse(text) as
			['moved', StreamCount[]] | ['closed', member: number, code: number];
		if (parsed[0] === 'moved') return { kind: 'moved', counts: parsed[1] };
		return { kind: 'closed', member: parsed[1], code: parsed[2] };
	}
	if (text.startsWith('{')) {
		const end = text.indexOf('\n');
		// Safe because only the object sends on its sockets.
		const header = JSON.parse(text.slice(0, end)) as Omit<GroupMessage, 'frame'>;
		return { kind: 'group', message: { ...header, frame: text.slice(end + 1) } };
	}
	if (!/^\d/.test(text)) return { kind: 'frame', frame: text };
	const end = text.indexOf(' ');
	return { kind: 'numbered', number: Number(text.slice(0, end)), frame: text.slice(end + 1) };
}
