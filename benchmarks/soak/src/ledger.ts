/** Where a message came from: each isolate publishes one after the other. */
export interface Message {
	/** Counts up over all messages of a run. */
	readonly number: number;
	readonly publisher: string;
}

/** How a stream did. Counts of messages, but for `gaps`. */
export interface Tally {
	/** Published to its session, as its publisher was told. */
	sent: number;
	received: number;
	lost: number;
	repeated: number;
	outOfOrder: number;
	/** How many gaps were announced. */
	gaps: number;
	/** What these gaps are of: not lost, since the client was told. */
	missedInGaps: number;
}

/** What was sent to one stream, and what came. */
export class StreamLedger {
	readonly #sent = new Map<number, Message>();
	/** In the order in which it came; a gap where one was announced. */
	readonly #received: (Message | 'gap')[] = [];
	readonly #numbers = new Set<number>();

	/** Published to the session, and the publisher was told so. */
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

	/** How many messages have not come. */
	get missing(): number {
		let missing = 0;
		for (const number of this.#sent.keys()) if (!this.#numbers.has(number)) missing += 1;
		return missing;
	}

	tally(): Tally {
		const newest = new Map<string, number>();
		const seen = new Set<number>();
		const tally = { ...emptyTally(), sent: this.#sent.size };
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
			if (tally.gaps > 0 && this.#isInGap(message)) tally.missedInGaps += 1;
			else tally.lost += 1;
		}
		return tally;
	}

	/** Whether a gap was announced between what came of its publisher before it and after it. */
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

function emptyTally(): Tally {
	return { sent: 0, received: 0, lost: 0, repeated: 0, outOfOrder: 0, gaps: 0, missedInGaps: 0 };
}

/** All streams together. */
export function sumOf(tallies: readonly Tally[]): Tally {
	const sum = emptyTally();
	for (const tally of tallies) {
		sum.sent += tally.sent;
		sum.received += tally.received;
		sum.lost += tally.lost;
		sum.repeated += tally.repeated;
		sum.outOfOrder += tally.outOfOrder;
		sum.gaps += tally.gaps;
		sum.missedInGaps += tally.missedInGaps;
	}
	return sum;
}

/** Whether nothing was lost, repeated or out of order. */
export function isSound({ lost, repeated, outOfOrder }: Tally): boolean {
	return lost + repeated + outOfOrder === 0;
}
