/** The maximum length of the frames that wait for an earlier one. */
const MAX_HELD_LENGTH = 1024 * 1024;

/**
 * Restores the order of a stream's numbered frames: they arrive on different sockets of its group.
 */
export class FrameOrder {
	#next = 0;
	/** All frames before this number have been sent. */
	#end = 0;
	/** Frames that arrived before earlier ones. */
	readonly #held = new Map<number, string>();
	#heldLength = 0;

	/** The number of the first frame that was sent and has not arrived. `undefined` if all have. */
	get missing(): number | undefined {
		return this.#next < this.#end ? this.#next : undefined;
	}

	/** Whether more frames wait for the missing one than memory should hold. */
	get isFull(): boolean {
		return this.#heldLength > MAX_HELD_LENGTH;
	}

	/** Whether a frame is the next one, and none waits for it. */
	isNext(number: number): boolean {
		return number === this.#next && this.#held.size === 0;
	}

	/** Adds a frame, and returns all frames that are complete up to themselves. */
	add(number: number, frame: string): string[] {
		if (number < this.#next || this.#held.has(number)) return [];
		this.expect(number + 1);
		if (number > this.#next) {
			this.#held.set(number, frame);
			this.#heldLength += frame.length;
			return [];
		}
		const ready = [frame];
		this.#next += 1;
		for (let held = this.#take(); held !== undefined; held = this.#take()) ready.push(held);
		return ready;
	}

	/** Records that all frames before this number have been sent. */
	expect(end: number): void {
		this.#end = Math.max(this.#end, end);
	}

	#take(): string | undefined {
		const frame = this.#held.get(this.#next);
		if (frame === undefined) return undefined;
		this.#held.delete(this.#next++);
		this.#heldLength -= frame.length;
		return frame;
	}
}
