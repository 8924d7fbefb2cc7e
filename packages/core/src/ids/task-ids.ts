import { checkSecrets } from './secrets.ts';
import { createSigning, MAC } from './signing.ts';

/** Issues and verifies task ids. */
export interface TaskIds {
	/**
	 * Issues an id: `t1.<name>.<mac>`. The MAC covers the principal, which the id does not contain: the id
	 * is useless to other principals.
	 *
	 * @param name identifies the task in storage: 1 to 128 characters of `A-Z a-z 0-9 - _`.
	 * @param principal empty if tasks belong to no principal.
	 */
	issue(name: string, principal: string): Promise<string>;
	/**
	 * Returns the name in an id that was issued to this principal, and `undefined` for any other text.
	 * Needs no storage.
	 */
	nameOf(id: string, principal: string): Promise<string | undefined>;
}

const VERSION = 't1';
const ISSUED = new RegExp(`^${VERSION}\\.(?<name>[\\w-]{1,128})\\.(?<mac>${MAC})$`);

/**
 * Creates issuer and verifier of task ids. The MAC rejects a forged id without a read of storage.
 *
 * @throws {TmcpSessionsError} `configuration`, if there is no key or one is too short.
 */
export function createTaskIds(keys: readonly string[]): TaskIds {
	checkSecrets(keys, 'core', 'task ids need keys');
	const signing = createSigning(keys, 'tmcp-sessions task id');
	return {
		async issue(name, principal) {
			return `${VERSION}.${name}.${await signing.sign(`${name} ${principal}`)}`;
		},
		async nameOf(id, principal) {
			const { name, mac } = ISSUED.exec(id)?.groups ?? {};
			if (name === undefined || mac === undefined) return undefined;
			return (await signing.verify(`${name} ${principal}`, mac)) ? name : undefined;
		},
	};
}
