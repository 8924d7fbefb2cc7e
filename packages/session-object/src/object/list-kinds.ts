import { probeSubscription } from './honored-subset.ts';
import type { SessionServer } from './session.ts';

/** A list whose changes a server can announce. */
export type ListKind = 'prompts' | 'resources' | 'tools';

const KINDS = ['prompts', 'resources', 'tools'] as const;

/**
 * Returns the lists whose changes a server announces. Call it outside of a session's request, whose
 * metadata the server would read.
 */
export async function listKindsOf(server: SessionServer): Promise<ListKind[]> {
	const requested = {
		promptsListChanged: true,
		resourcesListChanged: true,
		toolsListChanged: true,
	};
	const { honored } = await probeSubscription(server, requested);
	return KINDS.filter((kind) => honored[`${kind}ListChanged`] === true);
}
