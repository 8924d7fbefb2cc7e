import { fnv1a } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { changeKindOf } from '../wire/change-kind.ts';
import type { ChangeKind } from '../wire/change-kind.ts';
import type { SubscriptionPurpose } from '../wire/socket-purpose.ts';
import { trySend } from './stream-sockets.ts';

/**
 * The most tags of a socket.
 * https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket
 */
const MAX_TAGS = 10;

/** The most open listeners of one owner: a thirtieth of what an object takes. */
const MAX_SUBSCRIPTIONS = 1_024;

/** Kept with the socket of a listener whose uris are more than a socket has tags for. */
interface SubscriptionAttachment {
	/** Hashes, of which the platform's 16 KiB hold 4,000; none where it is told of every update. */
	readonly uris: Uint32Array | undefined;
}

/**
 * The sockets of listeners. A change touches those of whoever asked for its kind, an update those of
 * whoever asked for its uri: by a tag for each uri where a socket has that many, by its attachment
 * where it has not. Uris are known by hashes, which may be those of others too: the Worker of a
 * listener looks at the uri itself.
 */
export class SubscriptionSockets {
	readonly #state: DurableObjectState;

	constructor(state: DurableObjectState) {
		this.#state = state;
	}

	/** Why there is no place for one more of its owner, where there is none. */
	refusal({ principal }: SubscriptionPurpose): string | undefined {
		if (!principal || this.#state.getWebSockets(principalTag(principal)).length < MAX_SUBSCRIPTIONS)
			return undefined;
		return `a client may have at most ${MAX_SUBSCRIPTIONS} open subscriptions. End some of them first`;
	}

	accept(socket: WebSocket, { kinds, uris, principal }: SubscriptionPurpose): void {
		const tags = kinds.filter((kind) => kind !== 'updates').map(kindTag);
		if (principal) tags.push(principalTag(principal));
		if (!kinds.includes('updates')) return this.#state.acceptWebSocket(socket, tags);
		if (uris && tags.length + uris.length <= MAX_TAGS) {
			return this.#state.acceptWebSocket(socket, [...tags, ...uris.map(uriTag)]);
		}
		this.#state.acceptWebSocket(socket, [...tags, kindTag('updates')]);
		const attachment: SubscriptionAttachment = { uris: uris && Uint32Array.from(uris) };
		socket.serializeAttachment(attachment);
	}

	/**
	 * Tells the listeners that asked for this change, each once: a socket has the tags of its uris or
	 * the one of those that have too many.
	 */
	send(notification: JSONRPCRequest): void {
		const kind = changeKindOf(notification.method);
		if (!kind) return;
		const message = JSON.stringify(notification);
		for (const socket of this.#concerned(kind, notification)) trySend(socket, message);
	}

	#concerned(kind: ChangeKind, notification: JSONRPCRequest): WebSocket[] {
		const withKind = this.#state.getWebSockets(kindTag(kind));
		if (kind !== 'updates') return withKind;
		const params: unknown = notification.params;
		if (typeof params !== 'object' || params === null || !('uri' in params)) return [];
		if (typeof params.uri !== 'string') return [];
		const hash = fnv1a(params.uri);
		const withTag = this.#state.getWebSockets(uriTag(hash));
		return [...withTag, ...withKind.filter((socket) => mayWant(socket, hash))];
	}
}

function mayWant(socket: WebSocket, hash: number): boolean {
	const attachment: unknown = socket.deserializeAttachment();
	if (typeof attachment !== 'object' || attachment === null || !('uris' in attachment)) return true;
	return !(attachment.uris instanceof Uint32Array) || attachment.uris.includes(hash);
}

function kindTag(kind: ChangeKind): string {
	return `subscription:${kind}`;
}

function uriTag(hash: number): string {
	return `subscription:uri:${hash.toString(36)}`;
}

function principalTag(principal: string): string {
	return `subscriptions-of:${principal}`;
}
