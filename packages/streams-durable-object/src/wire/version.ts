/**
 * The version of the format between Workers and objects: upgrade requests, publications and stored
 * calls. A gradual deployment runs two releases side by side, in either combination.
 *
 * - An addition keeps the version: each side ignores what it does not know.
 * - A change that the other side would misread raises the version, and takes two releases. The first
 *   one reads both versions and writes the old one, the second one writes the new one.
 */
export const WIRE_VERSION = 1;

/**
 * Returns why a message of a later release cannot be read, or `undefined` if it can.
 *
 * @param version the version that the message names. Messages of version 1 name none.
 */
export function versionProblem(version: number = 1): string | undefined {
	if (version <= WIRE_VERSION) return undefined;
	return (
		`the Worker sends version ${version} of the wire format; the object's release supports up to ` +
		`${WIRE_VERSION}. Try again when the deployment is complete, or deploy the releases in between first`
	);
}
