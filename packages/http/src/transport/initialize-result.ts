import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';

/** What a server cannot do for a client of 2025 that remembers nothing of it. */
const NEEDS_MEMORY: ReadonlySet<string> = new Set([
	'logging/setLevel',
	'resources/subscribe',
	'resources/unsubscribe',
]);

/** Whether a method is of no use where nothing is kept of a session. */
export function requiresSessionState(method: string): boolean {
	return NEEDS_MEMORY.has(method);
}

/** What a deployment can do. */
export interface Offer {
	/** Without sessions, nothing is advertised that needs one. */
	readonly hasSessions: boolean;
	/** Whether what changes in a session is kept; where not, neither logging nor subscriptions. */
	readonly storesMutableState: boolean;
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
export function initializeResult(result: JsonObject, requested: unknown, offer: Offer): JsonObject {
	const { capabilities, serverInfo, instructions, _meta } = result;
	const isResumable = offer.hasSessions && offer.canResume && requested === RESUMABLE_REVISION;
	return {
		protocolVersion: isResumable ? requested : result['protocolVersion'],
		capabilities: offeredCapabilities(capabilities, offer),
		serverInfo,
		...(instructions !== undefined && { instructions }),
		...(_meta !== undefined && { _meta }),
	};
}

function offeredCapabilities(
	capabilities: unknown,
	{ hasSessions, storesMutableState }: Offer,
): JsonObject {
	if (!isObject(capabilities)) return {};
	if (hasSessions && storesMutableState) return capabilities;
	const { logging: _logging, ...others } = capabilities;
	return Object.fromEntries(
		Object.entries(others).map(([name, value]) => {
			if (!isObject(value)) return [name, value];
			const { listChanged, subscribe: _subscribe, ...rest } = value;
			// Changes of lists reach the streams of sessions, whatever is known of them.
			const isTold = hasSessions && listChanged !== undefined;
			return [name, { ...rest, ...(isTold && { listChanged }) }];
		}),
	);
}
