import type { Effort, Part } from '../bench/part.ts';
import { measureResume } from './measure-resume.ts';
import type { ResumeEffort, Resumptions } from './measure-resume.ts';
import { resumeText } from './resume-text.ts';

const efforts: Readonly<Record<Effort, ResumeEffort>> = {
	full: { rounds: 15, missed: 50 },
	quick: { rounds: 1, missed: 5 },
};

/** What a client gets that lost its connection. */
export const resumePart: Part = async (effort, onProgress) => {
	const result = await measureResume(efforts[effort], onProgress);
	return {
		result,
		text: resumeText(result),
		shortfalls: shortfallsOf(result),
	};
};

function shortfallsOf(found: Resumptions): string[] {
	const received = found['ours-http']?.received ?? 0;
	return received === 1 ? [] : [`A client that came back got ${received} of what it missed`];
}
