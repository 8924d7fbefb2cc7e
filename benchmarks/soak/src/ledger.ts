/** How often each kind of thing happened. */
export class Counts extends Map<string, number> {
	add(kind: string, times = 1): void {
		this.set(kind, (this.get(kind) ?? 0) + times);
	}
}

/** A published message. Each isolate publishes one message after another. */
export interface Message {
	/** Increases over all messages of a run. */
	readonly number: number;
	readonly publisher: string;
}

const emptyTally = {
	/** Messages published to the session, as confirmed to their publisher. */
	sent: 0,
	received: 0,
	lost: 0,
	repeated: 0,
	outOfOrder: 0,
	/** Gaps that the server announced. */
	gaps: 0,
	/** Messages within these gaps. They are not lost, because the client knows that it missed them. */
	missedInGaps: 0,
};

/** The result of a stream: numbers of messages, and of gaps. */
export type Tally = typeof emptyTally;

/** Records the messages that were sent to one stream and those that it received. */
export class StreamLedger {
	readonly #sent = new Map<number, Message>();
	/** In order of arrival, with the announced gaps between. */
	readonly #received: (Message | 'gap')[] = [];
	readonly #numbers = new Set<number>();

	/** Records a publication to the session that its publisher saw confirmed. */
	send(message: Message): void {
		this.#sent.set(message.number, message);
	}

	receive(message: Message): void {
		this.#received.push(message);
		this.#numbers.add(message.number);
	}

	announceGap(): void {
		this.#received.push('gap');
	}

	/** Returns the number of messages that have not arrived. */
	get missing(): number {
		return [...this.#sent.keys()].filter((number) => !this.#numbers.has(number)).length;
	}

	tally(): Tally {
		const newest = new Map<string, number>();
		const seen = new Set<number>();
		const tally = { ...emptyTally, sent: this.#sent.size };
		for (const received of this.#received) {
			if (received === 'gap') {
				tally.gaps += 1;
				continue;
			}
			const { number, publisher } = received;
			tally.received += 1;
			if (seen.has(number)) tally.repeated += 1;
			else if (number < (newest.get(publisher) ?? -1)) tally.outOfOrder += 1;
			else newest.set(publisher, number);
			seen.add(number);
		}
		for (const message of this.#sent.values()) {
			if (seen.has(message.number)) continue;
			if (this.#isInGap(message)) tally.missedInGaps += 1;
			else tally.lost += 1;
		}
		return tally;
	}

	/** Whether a gap was announced between the publisher's messages before and after this one. */
	#isInGap({ number, publisher }: Message): boolean {
		let hasGap = false;
		for (const received of this.#received) {
			if (received === 'gap') hasGap = true;
			else if (received.publisher === publisher) {
				if (received.number > number) return hasGap;
				hasGap = false;
			}
		}
		return hasGap;
	}
}

/** Returns the result of all streams together. */
export function sumOf(tallies: readonly Tally[]): Tally {
	const sum = { ...emptyTally };
	// Safe because the keys are those of the literal above.
	for (const key of Object.keys(sum) as (keyof Tally)[]) {
		sum[key] = tallies.reduce((total, tally) => total + tally[key], 0);
	}
	return sum;
}

/** Whether no message was lost, repeated or out of order. */
export function isSound({ lost, repeated, outOfOrder }: Tally): boolean {
	return lost + repeated + outOfOrder === 0;
}
