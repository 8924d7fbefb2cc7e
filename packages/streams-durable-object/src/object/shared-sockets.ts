import { closeQuietly, hasSession, trySend } from './hibernating-sockets.ts';
import type { LoggedFrame, StreamAttachment, StreamSocket } from './stream-sockets.ts';
import {
	formatClosed,
	formatGroup,
	formatMoved,
	formatNumbered,
	parseLeft,
} from '../wire/stream-messages.ts';
import type { StreamCount, StreamPlace } from '../wire/stream-messages.ts';

/** The tag of sockets that several streams share. */
const SHARED_TAG = 'shared';

/** The maximum length of the members in an attachment, of whose 16 KiB some is for the rest. */
const MAX_MEMBERS_LENGTH = 15_000;

/** The length of a member in an attachment at most, besides its session and client. */
const MEMBER_LENGTH = 90;

/** The attachment of a shared socket. */
interface SharedAttachment {
	readonly group: string;
	/** The member whose request holds the socket. */
	readonly holder: number;
	/** A JSON array of `StoredMember`: ASCII, so that its length is its size. */
	readonly members: string;
}

type StoredMember = readonly [
	member: number,
	session: string,
	channel: number,
	rank: number,
	flags: number,
	sent: number,
	client: string | 0,
];

const IS_CURRENT = 1;
const IS_SUPERSEDED = 2;

/** A stream as it begins to share a socket. */
interface NewMember {
	readonly place: StreamPlace;
	readonly attachment: StreamAttachment;
	readonly client: string | undefined;
}

/** A socket that the streams of a group share, in the request of one of them. */
class SharedSocket {
	readonly socket: WebSocket;
	readonly group: string;
	readonly holder: number;
	readonly members: Map<number, SharedStream> = new Map();
	#isSaving = false;

	constructor(socket: WebSocket, { group, holder }: Pick<SharedAttachment, 'group' | 'holder'>) {
		this.socket = socket;
		this.group = group;
		this.holder = holder;
	}

	/** Returns whether the attachment has room for more members. */
	hasRoomFor(
		streams: readonly { readonly session: string; readonly client?: string | undefined }[],
	): boolean {
		const all = [...this.members.values(), ...streams];
		const lengthOf = ({ session, client = '' }: (typeof all)[number]): number =>
			session.length + client.length + MEMBER_LENGTH;
		return all.reduce((length, each) => length + lengthOf(each), 0) <= MAX_MEMBERS_LENGTH;
	}

	/** Attaches the members to the socket, once for all changes of a turn. */
	save(): void {
		if (this.#isSaving) return;
		this.#isSaving = true;
		queueMicrotask(() => {
			this.#isSaving = false;
			if (this.socket.readyState !== WebSocket.OPEN) return;
			const { group, holder } = this;
			const members = JSON.stringify([...this.members.values()].map((each) => each.stored));
			this.socket.serializeAttachment({ group, holder, members } satisfies SharedAttachment);
		});
	}
}

/** A stream without its own socket. */
class SharedStream implements StreamSocket {
	readonly member: number;
	readonly client: string | undefined;
	attachment: StreamAttachment;
	/** `undefined` after the stream has ended. */
	carrier: SharedSocket | undefined;
	readonly #all: SharedSockets;

	constructor(all: SharedSockets, carrier: SharedSocket, { place, attachment, client }: NewMember) {
		this.#all = all;
		this.carrier = carrier;
		this.member = place.member;
		this.attachment = attachment;
		this.client = client;
	}

	get session(): string {
		return this.attachment.session;
	}

	get isOpen(): boolean {
		return this.#openCarrier() !== undefined;
	}

	get group(): unknown {
		return this.carrier;
	}

	get stored(): StoredMember {
		const { session, channel, rank, isCurrent, isSuperseded, sent } = this.attachment;
		const flags = (isCurrent ? IS_CURRENT : 0) | (isSuperseded ? IS_SUPERSEDED : 0);
		return [this.member, session, channel, rank, flags, sent, this.client ?? 0];
	}

	is(other: StreamSocket): boolean {
		return this === other;
	}

	save(attachment: StreamAttachment): void {
		this.attachment = attachment;
		this.carrier?.save();
	}

	send(message: LoggedFrame): boolean {
		return this.#trySend((carrier) => {
			const { sent, channel } = this.attachment;
			if (this.member === carrier.holder) return formatNumbered(sent, message.withId(channel));
			return formatGroup({
				...message.position,
				to: [[this.member, sent, channel]],
				frame: message.frame,
			});
		});
	}

	sendToAll(streams: readonly StreamSocket[], message: LoggedFrame): boolean {
		const carrier = this.#openCarrier();
		const members = streams.filter((each) => each instanceof SharedStream);
		if (!carrier || members.some((each) => each.carrier !== carrier)) return false;
		const to = members.map(
			({ member, attachment: { sent, channel } }) => [member, sent, channel] as const,
		);
		if (!trySend(carrier.socket, formatGroup({ ...message.position, to, frame: message.frame }))) {
			this.#all.lose(carrier);
			return false;
		}
		for (const each of members) each.#countSent();
		return true;
	}

	sendCount(): void {
		// Only streams whose own socket has closed need it, and they share another one then.
	}

	close(code: number): void {
		const { carrier } = this;
		if (!carrier) return;
		trySend(carrier.socket, formatClosed(this.member, code));
		this.#all.remove([this]);
	}

	/** Sends on the socket that the stream shares, or on the next one of its group if that is dead. */
	#trySend(format: (carrier: SharedSocket) => string): boolean {
		for (let carrier = this.#openCarrier(); carrier; carrier = this.#openCarrier()) {
			if (trySend(carrier.socket, format(carrier))) {
				this.#countSent();
				return true;
			}
			this.#all.lose(carrier);
		}
		return false;
	}

	#countSent(): void {
		this.save({ ...this.attachment, isCurrent: true, sent: this.attachment.sent + 1 });
	}

	/** Moves the stream to another socket of its group if the object knows that its own has closed. */
	#openCarrier(): SharedSocket | undefined {
		for (let { carrier } = this; carrier; carrier = this.carrier) {
			if (carrier.socket.readyState === WebSocket.OPEN) return carrier;
			this.#all.lose(carrier);
		}
		return undefined;
	}
}

/**
 * The sockets that streams of a group share. Their attachments are the only state: the index in memory
 * is read from them after a wake-up, when it is first needed.
 */
export class SharedSockets {
	readonly #state: DurableObjectState;
	readonly #lost = new WeakSet<WebSocket>();
	#index: Index | undefined;

	constructor(state: DurableObjectState) {
		this.#state = state;
	}

	/** Returns the streams of a session. */
	streamsOf(session: string): SharedStream[] {
		return [...(this.#load().bySession.get(session) ?? [])].filter(({ isOpen }) => isOpen);
	}

	all(): SharedStream[] {
		return [...this.#load().bySession.values()].flatMap((streams) => [...streams]);
	}

	/** Returns the sessions of all streams, those that share a socket together. */
	sessions(): string[] {
		return this.#load().sockets.flatMap(({ members }) =>
			[...members.values()].map(({ session }) => session),
		);
	}

	/** The number of streams that share sockets. */
	get count(): number {
		return this.#load().sockets.reduce((sum, { members }) => sum + members.size, 0);
	}

	/** Returns the number of streams that a client has without their own sockets. */
	countOf(client: string | undefined): number {
		return client === undefined ? 0 : (this.#load().byClient.get(client) ?? 0);
	}

	/** Returns the open socket that a member of a group holds. */
	find(group: string, holder: number): SharedSocket | undefined {
		const found = this.#load().sockets.find(
			(each) => each.group === group && each.holder === holder,
		);
		return found?.socket.readyState === WebSocket.OPEN ? found : undefined;
	}

	/** Accepts a socket that its stream shares with others. */
	accept(socket: WebSocket, { group, member }: StreamPlace): SharedSocket {
		this.#state.acceptWebSocket(socket, [SHARED_TAG]);
		const carrier = new SharedSocket(socket, { group, holder: member });
		this.#load().sockets.push(carrier);
		return carrier;
	}

	/** Adds a stream to a socket. */
	add(carrier: SharedSocket, added: NewMember): SharedStream {
		const repeated = carrier.members.get(added.place.member);
		if (repeated) this.remove([repeated]);
		const stream = new SharedStream(this, carrier, added);
		carrier.members.set(stream.member, stream);
		addTo(this.#load(), stream);
		carrier.save();
		return stream;
	}

	/** Removes streams that have ended. */
	remove(streams: readonly SharedStream[]): void {
		const { bySession, byClient } = this.#load();
		for (const stream of streams) {
			const { carrier, session, client } = stream;
			if (!carrier) continue;
			stream.carrier = undefined;
			carrier.members.delete(stream.member);
			carrier.save();
			const others = bySession.get(session);
			others?.delete(stream);
			if (others?.size === 0) bySession.delete(session);
			if (client !== undefined) byClient.set(client, (byClient.get(client) ?? 1) - 1);
		}
	}

	/**
	 * Handles the loss of a socket: its streams share another one of their group, which lets their Worker
	 * find out which messages it has not received. Those that find no room end, and reconnect.
	 */
	lose(carrier: SharedSocket): void {
		const index = this.#load();
		index.sockets = index.sockets.filter((each) => each !== carrier);
		this.#lost.add(carrier.socket);
		closeQuietly(carrier.socket);
		const holder = carrier.members.get(carrier.holder);
		if (holder) this.remove([holder]);
		const siblings = index.sockets
			.filter(
				({ group, socket }) => group === carrier.group && socket.readyState === WebSocket.OPEN,
			)
			.toSorted((one, other) => one.members.size - other.members.size);
		for (const sibling of siblings) this.#move(carrier, sibling);
		this.remove([...carrier.members.values()]);
	}

	/** Has as many streams of a lost socket share another one as it has room for. */
	#move(lost: SharedSocket, next: SharedSocket): void {
		const counts: StreamCount[] = [];
		for (const stream of lost.members.values()) {
			if (!next.hasRoomFor([stream]) || next.members.has(stream.member)) continue;
			lost.members.delete(stream.member);
			stream.carrier = next;
			next.members.set(stream.member, stream);
			counts.push([stream.member, stream.attachment.sent]);
		}
		if (counts.length === 0) return;
		next.save();
		if (!trySend(next.socket, formatMoved(counts))) this.lose(next);
	}

	/** Handles a message of a Worker. @returns whether streams have ended. */
	handleMessage(socket: WebSocket, message: string | ArrayBuffer): boolean {
		const left = parseLeft(message);
		const { sockets } = this.#load();
		const group = left && sockets.find((each) => each.socket === socket)?.group;
		if (!left || group === undefined) return false;
		const ended = sockets
			.filter((each) => each.group === group)
			.flatMap(({ members }) => left.flatMap((member) => members.get(member) ?? []));
		this.remove(ended);
		return ended.length > 0;
	}

	/** Handles a closed socket. @returns whether streams shared it. */
	handleClose(socket: WebSocket): boolean {
		const attachment: unknown = socket.deserializeAttachment();
		if (!isSharedAttachment(attachment)) return false;
		const index = this.#load();
		const found = index.sockets.find((each) => each.socket === socket);
		if (found) this.lose(found);
		// Closed sockets are not found after a wake-up.
		else if (!this.#lost.has(socket)) this.lose(this.#read(index, socket, attachment));
		return true;
	}

	#load(): Index {
		if (this.#index) return this.#index;
		const index: Index = { sockets: [], bySession: new Map(), byClient: new Map() };
		this.#index = index;
		for (const socket of this.#state.getWebSockets(SHARED_TAG)) {
			const attachment: unknown = socket.deserializeAttachment();
			if (!isSharedAttachment(attachment)) continue;
			this.#read(index, socket, attachment);
		}
		return index;
	}

	/** Adds a socket and its streams to the index. */
	#read(index: Index, socket: WebSocket, attachment: SharedAttachment): SharedSocket {
		const carrier = new SharedSocket(socket, attachment);
		const { group } = carrier;
		const siblings = index.sockets.filter((each) => each.group === group);
		index.sockets.push(carrier);
		// Safe because only `SharedSocket.save` writes it.
		for (const stored of JSON.parse(attachment.members) as StoredMember[]) {
			if (siblings.some(({ members }) => members.has(stored[0]))) continue;
			const stream = new SharedStream(this, carrier, parseMember(group, stored));
			carrier.members.set(stream.member, stream);
			addTo(index, stream);
		}
		return carrier;
	}
}

interface Index {
	sockets: SharedSocket[];
	readonly bySession: Map<string, Set<SharedStream>>;
	/** The number of each client's streams. */
	readonly byClient: Map<string, number>;
}

function addTo({ bySession, byClient }: Index, stream: SharedStream): void {
	const { session, client } = stream;
	const others = bySession.get(session) ?? new Set();
	bySession.set(session, others.add(stream));
	if (client !== undefined) byClient.set(client, (byClient.get(client) ?? 0) + 1);
}

function parseMember(group: string, stored: StoredMember): NewMember {
	const [member, session, channel, rank, flags, sent, client] = stored;
	const place = { group, member };
	const isCurrent = (flags & IS_CURRENT) !== 0;
	const isSuperseded = (flags & IS_SUPERSEDED) !== 0;
	return {
		place,
		attachment: { session, channel, rank, isCurrent, isSuperseded, place, sent },
		client: client === 0 ? undefined : client,
	};
}

function isSharedAttachment(attachment: unknown): attachment is SharedAttachment {
	return (
		typeof attachment === 'object' &&
		attachment !== null &&
		!hasSession(attachment) &&
		'members' in attachment
	);
}
