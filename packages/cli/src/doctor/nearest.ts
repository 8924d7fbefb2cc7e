import { distance } from '@tmcp-sessions/core/internal';

/** Returns the candidate that differs from a name by the fewest letters, whatever their case, or `undefined`. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
	const most = Math.min(3, Math.floor(name.length / 3));
	const [best] = [...candidates]
		.map((candidate) => ({
			candidate,
			edits: distance(name.toLowerCase(), candidate.toLowerCase()),
		}))
		.filter(({ edits }) => edits <= most)
		.toSorted((a, b) => a.edits - b.edits);
	return best?.candidate;
}
