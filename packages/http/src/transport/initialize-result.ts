import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';

/** What a deployment supports. */
export interface Support {
	/** Whether there are sessions. Without, the server advertises nothing that requires one. */
	readonly hasSessions: boolean;
	/** Whether log levels and subscriptions are stored. */
	readonly storesMutableState: boolean;
	/** Whether streams can be resumed. */
	readonly canResume: boolean;
}

/** The revision that adds resumable streams to the one before. tmcp 1.20 does not negotiate it. */
const RESUMABLE_REVISION = '2025-11-25';

/**
 * Returns the result of `initialize` with the fields of the specification only: tmcp 1.20 sends all
 * options of its server along.
 *
 * @param requested the revision that the client requested.
 */
export function initializeResult(
	result: JsonObject,
	requested: unknown,
	support: Support,
): JsonObject {
	const { capabilities, serverInfo, instructions, _meta } = result;
	const isResumable = support.hasSessions && support.canResume && requested === RESUMABLE_REVISION;
	return {
		protocolVersion: isResumable ? requested : result['protocolVersion'],
		capabilities: supportedCapabilities(capabilities, support),
		serverInfo,
		...(instructions !== undefined && { instructions }),
		...(_meta !== undefined && { _meta }),
	};
}

function supportedCapabilities(
	capabilities: unknown,
	{ hasSessions, storesMutableState }: Support,
): JsonObject {
	if (!isObject(capabilities)) return {};
	if (hasSessions && storesMutableState) return capabilities;
	const { logging: _logging, ...others } = capabilities;
	return Object.fromEntries(
		Object.entries(others).map(([name, value]) => {
			if (!isObject(value)) return [name, value];
			const { listChanged, subscribe: _subscribe, ...rest } = value;
			// List changes reach the streams of sessions without stored state.
			const isSent = hasSessions && listChanged !== undefined;
			return [name, { ...rest, ...(isSent && { listChanged }) }];
		}),
	);
}
