import { taskError } from '../task-error.ts';
import type { TaskStep } from '../task/task-record.ts';

/** A step that has started. */
export interface OpenStep {
	readonly name: string;
	readonly kind: TaskStep['kind'];
	readonly index: number;
	isConcurrent: boolean;
	/** The stored step, if it was completed before. */
	readonly stored: TaskStep | undefined;
}

/**
 * Compares the steps of a call with those that an earlier start of it has completed.
 *
 * Steps are found by their name. As long as steps run one after another, their order must be the same
 * too. The order of concurrent steps depends on how long they take.
 */
export class StepJournal {
	readonly #stored: ReadonlyMap<string, TaskStep>;
	readonly #order: ReadonlyMap<number, TaskStep>;
	readonly #names = new Set<string>();
	readonly #open = new Set<OpenStep>();
	#started = 0;
	#wasConcurrent = false;

	constructor(stored: readonly TaskStep[]) {
		this.#stored = new Map(stored.map((step) => [step.name, step]));
		this.#order = new Map(stored.map((step) => [step.index, step]));
		this.#wasConcurrent = stored.some(({ isConcurrent }) => isConcurrent);
	}

	/** Whether a step is under way that is not stored. */
	get isBusy(): boolean {
		return this.#open.size > 0;
	}

	/** The number of steps that have started. */
	get started(): number {
		return this.#started;
	}

	/**
	 * Starts a step.
	 *
	 * @throws {TmcpSessionsError} `task` if the name was used before, or an earlier start of the call
	 * completed another step here.
	 */
	start(name: string, kind: TaskStep['kind']): OpenStep {
		if (this.#names.has(name)) {
			throw taskError(
				`the step ${JSON.stringify(name)} has started already; give each step its own name, for ` +
					`instance ${JSON.stringify(`${name} 2`)}`,
			);
		}
		const stored = this.#stored.get(name);
		const index = this.#started;
		if (this.#open.size > 0) this.#wasConcurrent = true;
		const expected = this.#wasConcurrent ? undefined : this.#order.get(index);
		if (stored && stored.kind !== kind)
			throw diverged(name, `completed a ${stored.kind} of this name`);
		if (expected && expected.name !== name) {
			throw diverged(name, `completed ${JSON.stringify(expected.name)} in its place`);
		}
		this.#names.add(name);
		this.#started += 1;
		const step: OpenStep = { name, kind, index, isConcurrent: this.#open.size > 0, stored };
		if (stored) return step;
		for (const other of this.#open) other.isConcurrent = true;
		this.#open.add(step);
		return step;
	}

	/** Notes that a step is not under way any more. */
	end(step: OpenStep): void {
		this.#open.delete(step);
	}
}

function diverged(name: string, found: string): Error {
	return taskError(
		`the step ${JSON.stringify(name)} differs from an earlier start of this call, which ${found}: the ` +
			'tool has changed while the task ran, or its steps depend on time or chance. Call the tool again',
	);
}
