/** How much to measure. `quick` proves that a measurement runs; its figures mean little. */
export type Effort = 'full' | 'quick';

/** Reports progress, one line at a time. */
export type Progress = (line: string) => void;

/** One measurement, which can run alone. */
export interface Measurement<Result extends object> {
	/** Measures and returns what `results/` stores as JSON. */
	measure(effort: Effort, onProgress: Progress): Promise<Result>;
	/** Formats a result as Markdown tables. */
	format(result: Result): string;
	/** Returns a sentence for each figure below its aim. A quick run has no aims for speed. */
	shortfalls(result: Result, effort: Effort): readonly string[];
}
