import {
	fnv1a,
	MAX_SUBSCRIPTIONS_PER_CLIENT,
	TOO_MANY_SUBSCRIPTIONS,
} from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { clientTags, trySend } from './hibernating-sockets.ts';
import { handleInTurns, MAX_RECEIVERS_AT_ONCE, RECEIVERS_PER_TURN } from './turns.ts';
import type { ChangeInterests } from '../wire/change-interests.ts';
import { CHANGE_KINDS, changeKindOf } from '../wire/change-kind.ts';
import type { ChangeKind } from '../wire/change-kind.ts';
import type { SubscriptionPurpose } from '../wire/socket-purpose.ts';

/**
 * The maximum number of tags of a socket.
 * https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket
 */
const MAX_TAGS = 10;

/** The kind of a subscription's socket. */
const SUBSCRIPTIONS = 'subscriptions';

/** The attachment of a subscription that has more URIs than a socket has tags. */
interface SubscriptionAttachment {
	/** Hashes, of which the platform's 16 KiB hold 4,000. `undefined` selects every update. */
	readonly uris: Uint32Array | undefined;
}

/**
 * Serves the sockets of subscriptions. A change is sent only to sockets that selected its kind, an
 * update only to those that selected its URI: by one tag for each URI or, if a socket has too few
 * tags for that, by its attachment.
 *
 * URIs are compared by hashes, which may collide: the subscription's Worker compares the URI itself.
 */
export class SubscriptionSockets {
	readonly #state: DurableObjectState;
	/** The notifications that are sent in several turns. */
	#sending: Promise<void> | undefined;

	constructor(state: DurableObjectState) {
		this.#state = state;
	}

	/** Returns why the client cannot open another subscription, or `undefined` if it can. */
	rejection({ client }: SubscriptionPurpose): string | undefined {
		const [tag] = clientTags(SUBSCRIPTIONS, client);
		const isFull =
			tag !== undefined && this.#state.getWebSockets(tag).length >= MAX_SUBSCRIPTIONS_PER_CLIENT;
		return isFull ? TOO_MANY_SUBSCRIPTIONS : undefined;
	}

	accept(socket: WebSocket, { kinds, uris, client }: SubscriptionPurpose): void {
		const tags = kinds.filter((kind) => kind !== 'updates').map(kindTag);
		tags.push(...clientTags(SUBSCRIPTIONS, client));
		if (!kinds.includes('updates')) return this.#state.acceptWebSocket(socket, tags);
		if (uris && tags.length + uris.length <= MAX_TAGS) {
			return this.#state.acceptWebSocket(socket, [...tags, ...uris.map(uriTag)]);
		}
		this.#state.acceptWebSocket(socket, [...tags, kindTag('updates')]);
		const attachment: SubscriptionAttachment = { uris: uris && Uint32Array.from(uris) };
		socket.serializeAttachment(attachment);
	}

	/** Returns what each open subscription selects. */
	interests(): ChangeInterests[] {
		return this.#state
			.getWebSockets()
			.filter(({ readyState }) => readyState === WebSocket.OPEN)
			.map((socket) => interestsOf(socket, this.#state.getTags(socket)));
	}

	/**
	 * Sends a notification to the subscriptions that selected it, once to each: a socket has either the
	 * tags of its URIs or the tag of all updates. To many of them it is sent in several turns; each
	 * subscription receives its notifications in order.
	 *
	 * @returns a promise that resolves when it was sent; `undefined` if it was sent at once.
	 */
	send(notification: JSONRPCRequest): Promise<void> | undefined {
		const kind = changeKindOf(notification.method);
		if (!kind) return undefined;
		const message = JSON.stringify(notification);
		const receivers = this.#receivers(kind, notification);
		const sendTo = (sockets: readonly WebSocket[]): void => {
			for (const socket of sockets) trySend(socket, message);
		};
		if (!this.#sending && receivers.length <= MAX_RECEIVERS_AT_ONCE) {
			sendTo(receivers);
			return undefined;
		}
		const sending = (this.#sending ?? Promise.resolve())
			.then(() => handleInTurns(receivers, RECEIVERS_PER_TURN, sendTo))
			.finally(() => {
				if (this.#sending === sending) this.#sending = undefined;
			});
		this.#sending = sending;
		return sending;
	}

	#receivers(kind: ChangeKind, notification: JSONRPCRequest): WebSocket[] {
		const withKind = this.#state.getWebSockets(kindTag(kind));
		if (kind !== 'updates') return withKind;
		const params: unknown = notification.params;
		const uri = typeof params === 'object' && params && 'uri' in params && params.uri;
		if (typeof uri !== 'string') return [];
		const hash = fnv1a(uri);
		const withTag = this.#state.getWebSockets(uriTag(hash));
		return [...withTag, ...withKind.filter((socket) => selectsUri(socket, hash))];
	}
}

/** Returns whether the attachment of a socket with the tag of all updates selects a URI. */
function selectsUri(socket: WebSocket, hash: number): boolean {
	const attachment: unknown = socket.deserializeAttachment();
	if (typeof attachment !== 'object' || attachment === null || !('uris' in attachment)) return true;
	return !(attachment.uris instanceof Uint32Array) || attachment.uris.includes(hash);
}

function interestsOf(socket: WebSocket, tags: readonly string[]): ChangeInterests {
	const kinds = CHANGE_KINDS.filter((kind) => tags.includes(kindTag(kind)));
	const uris = tags.filter((tag) => tag.startsWith(URI_TAG));
	if (uris.length > 0) {
		const hashes = uris.map((tag) => Number.parseInt(tag.slice(URI_TAG.length), 36));
		return { kinds: [...kinds, 'updates'], uris: hashes };
	}
	const attachment: unknown = kinds.includes('updates') && socket.deserializeAttachment();
	const { uris: attached } = Object(attachment) as { uris?: unknown };
	return { kinds, uris: attached instanceof Uint32Array ? [...attached] : undefined };
}

function kindTag(kind: ChangeKind): string {
	return `subscription:${kind}`;
}

const URI_TAG = 'subscription:uri:';

function uriTag(hash: number): string {
	return `${URI_TAG}${hash.toString(36)}`;
}
