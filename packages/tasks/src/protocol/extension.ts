import {
	CLIENT_CAPABILITIES_KEY,
	HttpRejection,
	isObject,
	metadataOf,
	MISSING_CAPABILITY,
} from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

/** The identifier of the tasks extension. */
const EXTENSION = 'io.modelcontextprotocol/tasks';

/** Whether the client has declared the extension on this request. */
export function declaresTasks(message: unknown): boolean {
	const capabilities = metadataOf(message)?.[CLIENT_CAPABILITIES_KEY];
	const extensions = isObject(capabilities) ? capabilities['extensions'] : undefined;
	return isObject(extensions) && isObject(extensions[EXTENSION]);
}

/**
 * Creates the rejection of a client that has not declared the extension.
 *
 * @param status 200 in the session-based era, which knows no status for this code.
 */
export function missingExtension(subject: string, status = 400): HttpRejection {
	return new HttpRejection(
		status,
		MISSING_CAPABILITY,
		`Missing required client capability: ${subject} needs the extension ${EXTENSION}`,
		{ data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } },
	);
}

/** Returns the result of `server/discover` with the extension among the capabilities. */
export function withExtension(result: JsonObject): JsonObject {
	const { capabilities } = result as { capabilities?: unknown };
	const known = isObject(capabilities) ? capabilities : {};
	const extensions = isObject(known['extensions']) ? known['extensions'] : {};
	return {
		...result,
		capabilities: { ...known, extensions: { ...extensions, [EXTENSION]: {} } },
	};
}
