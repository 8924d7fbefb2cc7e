import { UnmetExpectation, within } from './expectation.ts';

/** The outcome of one step. */
export interface PlayedStep {
	/** The part of the story that the step belongs to. */
	chapter: string;
	/** The claim that the step verifies. */
	title: string;
	/** `skipped`: an earlier step failed. */
	outcome: 'held' | 'failed' | 'skipped';
	seen: string;
	/** What was expected, if the step failed. */
	expected?: string;
	elapsedMs: number;
}

/** A step to play: `play` resolves with what was seen, or rejects with an `UnmetExpectation`. */
export interface Step<Scene> {
	chapter: string;
	title: string;
	play: (scene: Scene) => Promise<string>;
}

/**
 * Plays the steps in order. Each builds on those before it, so the first failure skips the rest.
 *
 * @param report called after each step.
 * @param timeoutMs the time limit of one step.
 */
export async function play<Scene>(
	steps: readonly Step<Scene>[],
	scene: Scene,
	report: (step: PlayedStep) => void = () => undefined,
	timeoutMs = 15_000,
): Promise<PlayedStep[]> {
	const played: PlayedStep[] = [];
	for (const step of steps) {
		const failed = played.some(({ outcome }) => outcome !== 'held');
		const result = failed ? skipped(step) : await playStep(step, scene, timeoutMs);
		played.push(result);
		report(result);
	}
	return played;
}

function skipped<Scene>({ chapter, title }: Step<Scene>): PlayedStep {
	return {
		chapter,
		title,
		outcome: 'skipped',
		seen: 'an earlier step failed',
		elapsedMs: 0,
	};
}

async function playStep<Scene>(
	step: Step<Scene>,
	scene: Scene,
	timeoutMs: number,
): Promise<PlayedStep> {
	const { chapter, title } = step;
	const start = performance.now();
	const elapsedMs = (): number => Math.round(performance.now() - start);
	try {
		const seen = await within(timeoutMs, 'the end of the step', step.play(scene));
		return { chapter, title, outcome: 'held', seen, elapsedMs: elapsedMs() };
	} catch (error) {
		const { expected, seen } =
			error instanceof UnmetExpectation
				? error
				: { expected: 'no error', seen: error instanceof Error ? error.message : String(error) };
		return { chapter, title, outcome: 'failed', expected, seen, elapsedMs: elapsedMs() };
	}
}
