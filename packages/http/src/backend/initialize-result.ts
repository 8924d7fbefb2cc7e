import type { InfoSessionManager } from '@tmcp/session-manager';

import { isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { storesMutableState } from '../session/stores-mutable-state.ts';
import { BATCH_REVISION, servedVersion } from '../validation/headers.ts';

/** What a deployment supports. */
export interface Support {
	/** Whether there are sessions. Without, the server advertises nothing that requires one. */
	readonly hasSessions: boolean;
	/** Whether log levels and subscriptions are stored. */
	readonly storesMutableState: boolean;
	/** Whether streams can be resumed. */
	readonly canResume: boolean;
	/** Whether a client may send several messages at once, which 2025-03-26 requires. */
	readonly acceptsBatches: boolean;
}

/** The revision that adds resumable streams to the one before. */
const RESUMABLE_REVISION = '2025-11-25';
const REVISION_BEFORE = '2025-06-18';

/** Returns what a deployment supports. */
export function supportOf(
	info: InfoSessionManager | undefined,
	streams: Pick<Support, 'acceptsBatches' | 'canResume'>,
): Support {
	return {
		hasSessions: info !== undefined,
		storesMutableState: !info || storesMutableState(info),
		canResume: streams.canResume,
		acceptsBatches: streams.acceptsBatches,
	};
}

/** Returns the response with the capabilities of the deployment, if it is that of `initialize`. */
export function withSupport(message: object, response: unknown, support: Support): unknown {
	if (methodOf(message) !== 'initialize' || !isObject(response)) return response;
	const { result } = response;
	if (!isObject(result)) return response;
	const requested = paramsOf(message)['protocolVersion'];
	return { ...response, result: initializeResult(result, requested, support) };
}

/**
 * Returns the revision for a client: the requested one if it is served here, else the newest that is.
 *
 * @param requested any text, such as the name of a draft or a future revision.
 */
function negotiatedRevision(requested: unknown, support: Support): string {
	const { hasSessions, canResume, acceptsBatches } = support;
	const newest = hasSessions && canResume ? RESUMABLE_REVISION : REVISION_BEFORE;
	const served = servedVersion(requested);
	if (served === undefined || (served === BATCH_REVISION && !acceptsBatches)) return newest;
	return served <= newest ? served : newest;
}

/**
 * Returns the result of `initialize` with the fields of the specification only: tmcp 1.20 sends all
 * options of its server along.
 *
 * @param requested the revision that the client requested.
 */
function initializeResult(result: JsonObject, requested: unknown, support: Support): JsonObject {
	const { capabilities, serverInfo, instructions, _meta } = result;
	return {
		protocolVersion: negotiatedRevision(requested, support),
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
