import { ArchiveError } from '../errors.ts';
import { Objects } from './session-objects.ts';
import type { Placement, SessionObjectBinding } from './session-objects.ts';

/**
 * Brings an archived session back: its object has again what it had when it expired, its client goes
 * on with the same id, and its time begins anew.
 *
 * @param binding the namespace that its object is in.
 * @param objectId `session.objectId`: the archive is `sessions/<objectId>.jsonl.gz` in the bucket.
 * @returns how many rows were restored.
 * @throws {ArchiveError} where there is no archive, it is damaged, or the session is live: then
 * nothing was changed.
 */
export async function restoreSession(
	binding: SessionObjectBinding,
	objectId: string,
	placement: Placement = {},
): Promise<number> {
	const objects = new Objects(binding, placement);
	const result = await objects.byId(objects.idOf(objectId)).restore();
	if (result.outcome === 'restored') return result.rows;
	throw new ArchiveError(result.message.replace(/^\[[^\]]*\] /, ''));
}
