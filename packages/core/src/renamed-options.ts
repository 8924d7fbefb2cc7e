import { TmcpSessionsError } from './errors.ts';

/**
 * Rejects options that have an old name, which would be ignored otherwise.
 *
 * @param renamed the new name of each old one.
 * @param origin the package that has the options.
 * @throws {TmcpSessionsError} `configuration` for the first old name that is set.
 */
export function rejectRenamedOptions(
	options: object,
	renamed: Readonly<Record<string, string>>,
	origin: string,
): void {
	for (const [oldName, newName] of Object.entries(renamed)) {
		if (Reflect.get(options, oldName) === undefined) continue;
		throw new TmcpSessionsError(
			'configuration',
			origin,
			`the option ${oldName} is now called ${newName}: rename it`,
		);
	}
}
