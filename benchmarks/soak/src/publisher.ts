import { setTimeout as delay } from 'node:timers/promises';
import { increment } from './counts.ts';
import type { Counts } from './counts.ts';
import { resourceUris } from './publication.ts';
import type { Publication } from './publication.ts';
import { pick } from './random.ts';
import type { Random } from './random.ts';
import type { StreamClient } from './stream-client.ts';

/** The time after which a publication without a response has failed. */
const RESPONSE_MS = 20_000;
/** The wait after a failure: the Worker may be starting. */
const PAUSE_MS = 200;
/** The shares of messages to all sessions, and to the subscribers of a resource. The rest goes to one session. */
const shares = { all: 0.15, subscribers: 0.25 };

/** What all publishers share. */
export interface Publishing {
	/** Clients by the resource to which their sessions are subscribed. */
	readonly clients: ReadonlyMap<string, readonly StreamClient[]>;
	readonly random: Random;
	/** Returns the number of the next message, which increases over all publishers. */
	readonly nextNumber: () => number;
}

interface Audience {
	readonly receivers: readonly StreamClient[];
	readonly to: Omit<Publication, 'frame'>;
}

/** Publishes through one isolate, one message after another. */
export class Publisher {
	readonly #name: string;
	readonly #url: () => URL;
	readonly #publishing: Publishing;
	/** The number of publications that the Worker confirmed. */
	published = 0;
	/** The failures of all others, whose messages may have arrived or not. */
	readonly failures: Counts = new Map();

	constructor(name: string, url: () => URL, publishing: Publishing) {
		this.#name = name;
		this.#url = url;
		this.#publishing = publishing;
	}

	/** Publishes messages at an interval while a condition holds. */
	async publish(intervalMs: number, isNeeded: () => boolean): Promise<void> {
		let nextMs = performance.now();
		while (isNeeded()) {
			await this.#publish(this.#nextAudience());
			nextMs = Math.max(nextMs + intervalMs, performance.now() - intervalMs * 20);
			const waitMs = nextMs - performance.now();
			if (waitMs > 0) await delay(waitMs);
		}
	}

	/** Publishes one message to one session. */
	async publishTo(client: StreamClient, padding: string): Promise<void> {
		await this.#publish({ receivers: [client], to: { session: client.session } }, padding);
	}

	async #publish({ receivers, to }: Audience, padding?: string): Promise<void> {
		const message = { number: this.#publishing.nextNumber(), publisher: this.#name };
		const notification =
			to.uri === undefined
				? { method: 'notifications/message', params: { level: 'info', ...message, padding } }
				: {
						method: 'notifications/resources/updated',
						params: { uri: to.uri, ...message, padding },
					};
		const data = JSON.stringify({ jsonrpc: '2.0', ...notification });
		const failure = await this.#send({ ...to, frame: `event: message\ndata: ${data}\n\n` });
		if (failure === null) {
			this.published += 1;
			for (const { ledger } of receivers) ledger.send(message);
			return;
		}
		increment(this.failures, failure);
		await delay(PAUSE_MS);
	}

	#nextAudience(): Audience {
		const { clients, random } = this.#publishing;
		const share = random();
		if (share < shares.all) return { receivers: [...clients.values()].flat(), to: {} };
		const uri = pick(random, resourceUris.slice(0, clients.size));
		const subscribers = clients.get(uri) ?? [];
		if (share < shares.all + shares.subscribers) return { receivers: subscribers, to: { uri } };
		const receiver = pick(random, subscribers);
		return { receivers: [receiver], to: { session: receiver.session } };
	}

	/** Returns the reason of a failure, or null. */
	async #send(publication: Publication): Promise<string | null> {
		try {
			const response = await fetch(new URL('/publish', this.#url()), {
				method: 'POST',
				body: JSON.stringify(publication),
				signal: AbortSignal.timeout(RESPONSE_MS),
			});
			if (!response.ok) return `status ${response.status}`;
			const failure: unknown = await response.json();
			return failure === null ? null : JSON.stringify(failure);
		} catch (error) {
			const cause = error instanceof Error ? (error.cause ?? error) : error;
			return cause instanceof Error ? cause.message : 'unknown';
		}
	}
}
