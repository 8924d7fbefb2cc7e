/**
 * Restores the order of a stream's numbered frames: they arrive on its own socket and on those of other
 * streams of its group.
 */
export class FrameOrder {
	#next = 0;
	/** Frames that arrived before earlier ones. */
	readonly #held = new Map<number, string>();

	/** Adds a frame, and returns all frames that are complete up to themselves. */
	add(number: number, frame: string): string[] {
		if (number < this.#next) return [];
		if (number > this.#next) {
			this.#held.set(number, frame);
			return [];
		}
		const ready = [frame];
		this.#next += 1;
		for (let held = this.#take(); held !== undefined; held = this.#take()) ready.push(held);
		return ready;
	}

	/** Whether a frame before this number has not arrived. */
	misses(number: number): boolean {
		return this.#next < number;
	}

	#take(): string | undefined {
		const frame = this.#held.get(this.#next);
		if (frame !== undefined) this.#held.delete(this.#next++);
		return frame;
	}
}
