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
			await this.#publishOne();
			nextAtMs = Math.max(nextAtMs + intervalMs, performance.now() - intervalMs * 20);
			const wait = nextAtMs - performance.now();
			if (wait > 0) await pause(wait);
		}
	}

	async #publishOne(): Promise<void> {
		const { receivers, to } = this.#audience();
		const message: Message = { number: this.#publishing.nextNumber(), publisher: this.#name };
		const method =
			to.uri === undefined ? 'notifications/message' : 'notifications/resources/updated';
		const params = { ...(to.uri === undefined ? { level: 'info' } : { uri: to.uri }), ...message };
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
	#audience(): { receivers: readonly StreamClient[]; to: Omit<Publication, 'frame'> } {
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
			return (await response.json()) as string | null; // Sound: the soak's own Worker.
		} catch (error) {
			return error instanceof Error ? String(error.cause ?? error) : String(error);
		}
	}
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
