import { EVERY_URI, fnv1a } from '@tmcp-sessions/core/internal';
import type { SubscriptionFilter } from 'tmcp';

/** A kind of change that a client can subscribe to. */
export type ChangeKind = 'tools' | 'prompts' | 'resources' | 'updates';

const KIND_BY_METHOD: ReadonlyMap<string, ChangeKind> = new Map([
	['notifications/tools/list_changed', 'tools'],
	['notifications/prompts/list_changed', 'prompts'],
	['notifications/resources/list_changed', 'resources'],
	['notifications/resources/updated', 'updates'],
]);

export const CHANGE_KINDS: readonly ChangeKind[] = [...KIND_BY_METHOD.values()];

const KINDS: ReadonlySet<string> = new Set(CHANGE_KINDS);

/**
 * The maximum number of URIs that the object filters by: a URL holds 16 KB.
 * https://developers.cloudflare.com/workers/platform/limits/#request-and-response-limits
 */
export const MAX_URI_HASHES = 1_000;

/** Returns the kind of change that a notification reports, or `undefined` for other notifications. */
export function changeKindOf(method: string): ChangeKind | undefined {
	return KIND_BY_METHOD.get(method);
}

/** Returns the kinds of change that a subscription's filters select. */
export function changeKindsOf(filters: SubscriptionFilter): ChangeKind[] {
	const kinds: ChangeKind[] = [];
	if (filters.toolsListChanged) kinds.push('tools');
	if (filters.promptsListChanged) kinds.push('prompts');
	if (filters.resourcesListChanged) kinds.push('resources');
	if (filters.resourceSubscriptions?.length) kinds.push('updates');
	return kinds;
}

/** Returns hashes of a subscription's URIs, or `undefined` for every URI and for too many of them. */
export function uriHashesOf(filters: SubscriptionFilter): number[] | undefined {
	if (filters.resourceSubscriptions === EVERY_URI) return undefined;
	const hashes = new Set(filters.resourceSubscriptions?.map(fnv1a));
	return hashes.size <= MAX_URI_HASHES ? [...hashes] : undefined;
}

export function isChangeKind(kind: string): kind is ChangeKind {
	return KINDS.has(kind);
}
