import { isObject } from './message.ts';
import type { JsonObject } from './message.ts';

/** What a server without sessions cannot do for a client of 2025: it remembers nothing of it. */
const NEEDS_SESSION: ReadonlySet<string> = new Set([
	'logging/setLevel',
	'resources/subscribe',
	'resources/unsubscribe',
]);

/** Whether a method is of no use without a session. */
export function needsSession(method: string): boolean {
	return NEEDS_SESSION.has(method);
}

/** What a deployment can do. */
export interface Offer {
	/** Without sessions, nothing is advertised that needs one. */
	readonly hasSessions: boolean;
	/** Whether streams can be resumed. */
	readonly canResume: boolean;
}

/** The revision that resumed streams make of the one before: tmcp does not know its name yet. */
const RESUMABLE_REVISION = '2025-11-25';

/**
 * The result of `initialize`: what the specification names and nothing else, since tmcp sends all
 * options of its server along.
 *
 * @param requested the revision that the client asked for.
 */
export function initializeResult(
	result: JsonObject,
	requested: unknown,
	{ hasSessions, canResume }: Offer,
): JsonObject {
	const { capabilities, serverInfo, instructions, _meta } = result;
	const isResumable = hasSessions && canResume && requested === RESUMABLE_REVISION;
	return {
		protocolVersion: isResumable ? requested : result['protocolVersion'],
		capabilities: hasSessions ? (capabilities ?? {}) : withoutSessions(capabilities),
		serverInfo,
		...(instructions !== undefined && { instructions }),
		...(_meta !== undefined && { _meta }),
	};
}

function withoutSessions(capabilities: unknown): JsonObject {
	if (!isObject(capabilities)) return {};
	const { logging: _logging, ...others } = capabilities;
	return Object.fromEntries(
		Object.entries(others).map(([name, value]) => {
			if (!isObject(value)) return [name, value];
			const { listChanged: _listChanged, subscribe: _subscribe, ...rest } = value;
			return [name, rest];
		}),
	);
}
