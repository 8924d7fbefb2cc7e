import { UnmetExpectation, within } from './expectation.ts';

/** One step of the story, once it was played. */
export interface PlayedStep {
	/** The part of the story that it belongs to. */
	chapter: string;
	/** What is supposed to hold. */
	title: string;
	/** `skipped`: an earlier step did not hold. */
	outcome: 'held' | 'failed' | 'skipped';
	/** What was seen. */
	seen: string;
	/** What was expected, where that is not what was seen. */
	expected?: string;
	/** How long it took. */
	elapsedMs: number;
}

/** A step to play: `play` gives what was seen, or throws an `UnmetExpectation`. */
export interface Step<Scene> {
	chapter: string;
	title: string;
	play: (scene: Scene) => Promise<string>;
}

/**
 * Plays the steps one after the other. Each builds on those before it, so the first that does not
 * hold ends the story.
 *
 * @param report told of each step as soon as it was played.
 * @param timeoutMs how long one step may take.
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
		seen: 'an earlier step does not hold',
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
		const seen = await within(timeoutMs, 'an end of the step', step.play(scene));
		return { chapter, title, outcome: 'held', seen, elapsedMs: elapsedMs() };
	} catch (error) {
		const { expected, seen } =
			error instanceof UnmetExpectation
				? error
				: { expected: 'no error', seen: error instanceof Error ? error.message : String(error) };
		return { chapter, title, outcome: 'failed', expected, seen, elapsedMs: elapsedMs() };
	}
}
