import { endingSteps } from './ending-steps.ts';
import type { Scene } from './scene.ts';
import { resumingSteps } from './resuming-steps.ts';
import { sessionSteps } from './session-steps.ts';
import { statelessSteps } from './stateless-steps.ts';
import type { Step } from './story.ts';
import { taskSteps } from './task-steps.ts';

/** All steps of the story, in order. */
export const steps: readonly Step<Scene>[] = [
	...sessionSteps,
	...resumingSteps,
	...statelessSteps,
	...endingSteps,
	...taskSteps,
];
