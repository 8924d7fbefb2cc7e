import { ArchiveError } from '../errors.ts';
import { ObjectNamespace } from './object-namespace.ts';
import type { Placement, SessionObjectBinding } from './object-namespace.ts';

/**
 * Restores an archived session: its object gets back everything that it stored when it expired. The
 * client continues with the same session id, and the session's lifetime restarts.
 *
 * @param binding the namespace of the object.
 * @param objectId `session.objectId`. The archive is `sessions/<objectId>.jsonl.gz` in the bucket.
 * @returns the number of restored rows.
 * @throws {ArchiveError} if the archive is missing or damaged, or the session is live. Then nothing was
 * changed.
 */
export async function restoreSession(
	binding: SessionObjectBinding,
	objectId: string,
	placement: Placement = {},
): Promise<number> {
	const namespace = new ObjectNamespace(binding, placement);
	const result = await namespace.byId(namespace.parseId(objectId)).restore();
	if (result.outcome === 'restored') return result.rows;
	// The message already begins with the package name, which the error adds again.
	throw new ArchiveError(result.message.replace(/^\[[^\]]*\] /, ''));
}
