import type { Message } from './ledger.ts';
import type { Publication } from './publication.ts';
import { pick } from './random.ts';
import type { Random } from './random.ts';
import { resourceUris } from './resource-uris.ts';
import type { StreamClient } from './stream-client.ts';

/** A publication that is not answered by then has failed. */
const ANSWER_MS = 20_000;
/** After a failure: the Worker may be starting. */
const PAUSE_MS = 200;

/** How many messages of a hundred go to all sessions, and how many to the subscribers of a uri. */
const OF_A_HUNDRED = { all: 15, subscribers: 25 };

/** What both publishers share. */
export interface Publishing {
	/** By the uri that their sessions are subscribed to. */
	readonly clients: ReadonlyMap<string, readonly StreamClient[]>;
	readonly random: Random;
	/** Of the next message: numbers count up over both publishers. */
	readonly nextNumber: () => number;
}

/** Whom a message is for, and how that is said. */
interface Audience {
	readonly receivers: readonly StreamClient[];
	readonly to: Omit<Publication, 'frame'>;
}

/** Publishes through one isolate, one message after the other. */
export class Publisher {
	readonly #name: string;
	readonly #url: () => URL;
	readonly #publishing: Publishing;
	/** What its Worker confirmed, and what not: those may have arrived or not. */
	published = 0;
	readonly failures = new Map<string, number>();

	constructor(name: string, url: () => URL, publishing: Publishing) {
		this.#name = name;
		this.#url = url;
		this.#publishing = publishing;
	}

	/** Publishes messages at intervals for as long as there is any reason to. */
	async publish(intervalMs: number, goesOn: () => boolean): Promise<void> {
		let nextAtMs = performance.now();
		while (goesOn()) {
			await this.#publish(this.#audience());
			nextAtMs = Math.max(nextAtMs + intervalMs, performance.now() - intervalMs * 20);
			const wait = nextAtMs - performance.now();
			if (wait > 0) await pause(wait);
		}
	}

	/** Publishes one message to one session. */
	async publishTo(client: StreamClient, padding: string): Promise<void> {
		await this.#publish({ receivers: [client], to: { session: client.session } }, padding);
	}

	async #publish({ receivers, to }: Audience, padding?: string): Promise<void> {
		const message: Message = { number: this.#publishing.nextNumber(), publisher: this.#name };
		const method =
			to.uri === undefined ? 'notifications/message' : 'notifications/resources/updated';
		const params = {
			...(to.uri === undefined ? { level: 'info' } : { uri: to.uri }),
			...message,
			padding,
		};
		const frame = `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`;
		const failure = await this.#ask({ ...to, frame });
		if (failure === null) {
			this.published += 1;
			for (const { ledger } of receivers) ledger.send(message);
			return;
		}
		this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
		await pause(PAUSE_MS);
	}

	/** Whom the next message is for, and how that is said. */
	#audience(): Audience {
		const { clients, random } = this.#publishing;
		const kind = random() * 100;
		if (kind < OF_A_HUNDRED.all) return { receivers: [...clients.values()].flat(), to: {} };
		const uri = pick(random, resourceUris.slice(0, clients.size));
		const subscribers = clients.get(uri) ?? [];
		if (kind < OF_A_HUNDRED.all + OF_A_HUNDRED.subscribers) {
			return { receivers: subscribers, to: { uri } };
		}
		const receiver = pick(random, subscribers);
		return { receivers: [receiver], to: { session: receiver.session } };
	}

	/** @returns what failed, where anything did. */
	async #ask(publication: Publication): Promise<string | null> {
		try {
			const response = await fetch(new URL('/publish', this.#url()), {
				method: 'POST',
				body: JSON.stringify(publication),
				signal: AbortSignal.timeout(ANSWER_MS),
			});
			if (!response.ok) return `status ${response.status}`;
			const failure: unknown = await response.json();
			return failure === null ? null : JSON.stringify(failure);
		} catch (error) {
			const cause = error instanceof Error ? (error.cause ?? error) : error;
			return cause instanceof Error ? cause.message : 'not known';
		}
	}
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
