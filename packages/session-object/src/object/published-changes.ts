import { fnv1a } from '@tmcp-sessions/core/internal';
import {
	addReceiver,
	includesInterests,
	mergedInterests,
	parseCallPosition,
	removeReceiver,
	updateReceiver,
} from '@tmcp-sessions/streams-durable-object/internal';
import type {
	ChangeInterests,
	DeliveryOutcome,
	NumberedChange,
	SocketPurpose,
	SyncLayers,
} from '@tmcp-sessions/streams-durable-object/internal';

import type { Entries } from '../storage/entries.ts';
import type { LocalSessionStore } from '../storage/local-session-store.ts';
import type { ListKind } from './list-kinds.ts';
import type { ObjectStreams } from './object-streams.ts';

/** The object's registration, as JSON. */
const REGISTRATION_KEY = 'receiver';
/** The token of the registration and the number of the newest change that was received. */
const RECEIVED_KEY = 'received-change';

interface Registration {
	readonly shard: string;
	readonly token: string;
	readonly interests: ChangeInterests;
}

export interface PublishedChangesOptions {
	/** The objects that changes are published through. */
	readonly layers: SyncLayers;
	/** The id of this object. */
	readonly object: string;
	readonly entries: Entries;
	readonly store: LocalSessionStore;
	readonly streams: ObjectStreams;
	readonly hasEnded: () => boolean;
	/** Returns the lists whose changes the server announces. */
	readonly listKinds: () => Promise<readonly ListKind[]>;
	readonly report: (error: unknown) => void;
}

/**
 * Receives the changes that any session publishes. The object is registered at a shard of `SyncLayer`
 * while it has a stream that is open or can be resumed, or a stateless subscription. The registration
 * names what its clients can get, so that no other change wakes the object.
 *
 * The registration is extended before a stream or a subscription counts as open, and reduced in the
 * background.
 */
export class PublishedChanges {
	readonly #options: PublishedChangesOptions;
	/** The purposes of the sockets that are about to be accepted. */
	readonly #opening = new Set<SocketPurpose>();
	/** The token of a registration that is not stored yet. */
	#newToken: string | undefined;
	#listKinds: readonly ListKind[] | undefined;
	/** The changes of the registration, one after the other. */
	#changing: Promise<unknown> = Promise.resolve();

	constructor(options: PublishedChangesOptions) {
		this.#options = options;
	}

	/**
	 * Makes sure that a stream or a subscription misses no change once its socket is accepted. Call
	 * `settle` then.
	 *
	 * @throws if the object cannot be registered.
	 */
	async prepare(purpose: SocketPurpose): Promise<void> {
		if (purpose.role === 'inbox') return;
		if (purpose.role === 'stream' && parseCallPosition(purpose.lastEventId)) return;
		this.#opening.add(purpose);
		try {
			this.#listKinds ??= await this.#options.listKinds();
			await this.#inTurn(() => this.#extend());
		} catch (error) {
			this.settle(purpose);
			throw error;
		}
	}

	/** Ends what `prepare` has begun, after the socket was accepted or rejected. */
	settle(purpose: SocketPurpose): void {
		this.#opening.delete(purpose);
	}

	/**
	 * Extends the registration, if there is one, after a session has subscribed to a resource.
	 *
	 * @throws if the shard cannot be reached.
	 */
	async extend(): Promise<void> {
		if (this.#registration() || this.#opening.size > 0) await this.#inTurn(() => this.#extend());
	}

	/**
	 * Reduces the registration to what the object can still send, and removes it if that is nothing. Never
	 * rejects: the next alarm tries again.
	 */
	async reduce(): Promise<void> {
		if (this.#registration()) await this.#inTurn(() => this.#reduce()).catch(this.#options.report);
	}

	/** Removes the registration before the object is archived or deleted. Never rejects: a shard removes it when the object is gone. */
	async leave(): Promise<void> {
		const { layers, object, report } = this.#options;
		// In turn: a stream that opens while its session ends may be adding the registration.
		const leaving = this.#inTurn(async () => {
			const registration = this.#registration();
			if (!registration) return;
			this.#remove();
			const { shard, token } = registration;
			await removeReceiver(layers, shard, { object, token });
		});
		await leaving.catch(report);
	}

	/**
	 * Sends changes to the clients, except those that were received before. They are numbered by the shard
	 * of the registration.
	 *
	 * @returns `gone` if the object does not have this registration.
	 */
	async receive(token: string, changes: readonly NumberedChange[]): Promise<DeliveryOutcome> {
		const { entries, hasEnded, listKinds } = this.#options;
		if (!entries.hasData) return 'gone';
		this.#listKinds ??= await listKinds();
		// From here on synchronous: a change and its number are stored together.
		if (!entries.hasData || hasEnded()) return 'gone';
		if (token !== this.#newToken && token !== this.#registration()?.token) return 'gone';
		const kinds = this.#listKinds;
		entries.atomically(() => {
			const [lastToken, last = 0] = entries.read('meta', RECEIVED_KEY)?.split(' ') ?? [];
			const received = lastToken === token ? Number(last) : 0;
			const fresh = changes.filter(({ sequence }) => sequence > received);
			const sequence = fresh.at(-1)?.sequence;
			if (sequence === undefined) return;
			for (const { notification } of fresh) this.#send(notification, kinds);
			entries.write('meta', RECEIVED_KEY, `${token} ${sequence}`);
		});
		return 'received';
	}

	#send(notification: NumberedChange['notification'], kinds: readonly ListKind[]): void {
		const { streams, store } = this.#options;
		const params: unknown = notification.params;
		const frame = `event: message\ndata: ${JSON.stringify(notification)}\n\n`;
		if (typeof params === 'object' && params && 'uri' in params) {
			const sessions = store.subscribersOf(String(params.uri));
			if (sessions.length > 0) streams.send(sessions, frame);
		} else if (kinds.some((kind) => notification.method === `notifications/${kind}/list_changed`)) {
			streams.send(undefined, frame);
		} else return;
		streams.sendToSubscriptions(notification);
	}

	async #extend(): Promise<void> {
		const { entries, hasEnded } = this.#options;
		// The session may have ended meanwhile: its stream is rejected next.
		if (!entries.hasData || hasEnded()) return;
		const wanted = this.#wanted();
		const registration = this.#registration();
		if (!wanted || (registration && includesInterests(registration.interests, wanted))) return;
		await this.#register(wanted);
	}

	async #reduce(): Promise<void> {
		const registration = this.#registration();
		if (!registration) return;
		const wanted = this.#wanted();
		if (!wanted) {
			const { layers, object } = this.#options;
			const { shard, token } = registration;
			await removeReceiver(layers, shard, { object, token });
			// A stream may be opening, whose registration comes next.
			this.#remove();
		} else if (!includesInterests(wanted, registration.interests)) await this.#register(wanted);
	}

	async #register(interests: ChangeInterests): Promise<void> {
		const { entries, layers, object } = this.#options;
		const registration = this.#registration();
		const token = registration?.token ?? crypto.randomUUID();
		const receiver = { object, token, interests };
		this.#newToken = token;
		try {
			const shard = registration?.shard ?? (await addReceiver(layers, receiver));
			if (registration) await updateReceiver(layers, shard, receiver);
			entries.write('meta', REGISTRATION_KEY, JSON.stringify({ shard, token, interests }));
		} finally {
			this.#newToken = undefined;
		}
	}

	#remove(): void {
		this.#options.entries.remove('meta', REGISTRATION_KEY);
		this.#options.entries.remove('meta', RECEIVED_KEY);
	}

	/** Returns what the object can send to its clients. */
	#wanted(): ChangeInterests | undefined {
		const { entries, streams } = this.#options;
		const opening = [...this.#opening];
		const sessions = new Set(
			opening.flatMap((purpose) =>
				purpose.role === 'stream' ? [decodeURIComponent(purpose.session)] : [],
			),
		);
		const parts = opening.flatMap((purpose) => (purpose.role === 'subscription' ? [purpose] : []));
		const canReceive = (session: string): boolean =>
			sessions.has(session) || streams.canReceive(session);
		const subscribed = entries
			.resourceSubscriptions()
			.filter(({ session }) => canReceive(session))
			.map(({ uri }) => fnv1a(uri));
		const known = this.#listKinds ?? this.#registration()?.interests.kinds ?? [];
		const lists = known.filter((kind) => kind !== 'updates');
		return mergedInterests([
			...parts,
			...streams.subscriptionInterests(),
			...(sessions.size > 0 || streams.canReceive() ? [{ kinds: lists }] : []),
			...(subscribed.length > 0 ? [{ kinds: ['updates' as const], uris: subscribed }] : []),
		]);
	}

	#registration(): Registration | undefined {
		const text = this.#options.entries.read('meta', REGISTRATION_KEY);
		// Safe because only this class writes it.
		return text === undefined ? undefined : (JSON.parse(text) as Registration);
	}

	/** Runs one change of the registration after the other. */
	#inTurn(change: () => Promise<void>): Promise<void> {
		const changed = this.#changing.then(change);
		this.#changing = changed.catch(() => undefined);
		return changed;
	}
}
