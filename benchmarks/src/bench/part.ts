/** How much to measure: `quick` shows that a part runs, and its figures say little. */
export type Effort = 'full' | 'quick';

/** What a part of the benchmarks found. */
export interface PartReport {
	/** What is kept of it, as JSON. */
	readonly result: object;
	/** The same for a reader. */
	readonly text: string;
	/** Sentences about figures that are below what is expected; none of a quick run. */
	readonly shortfalls: readonly string[];
}

/** One part, which can be run alone. `onProgress` is told a line now and then. */
export type Part = (effort: Effort, onProgress: (line: string) => void) => Promise<PartReport>;
