import { isObject, methodOf, paramsOf } from '@tmcp-sessions/http/server';
import type { JsonObject } from '@tmcp-sessions/http/server';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { protocolServer } from '../server/sdk-server.ts';
import type { SdkServer } from '../server/sdk-server.ts';

const METHOD_NOT_FOUND = -32_601;
/** The latest session-based revision, which the SDK gets as the client's version. */
const PROTOCOL_VERSION = '2025-11-25';
const UNKNOWN_CLIENT = { name: 'unknown', version: '0' };
const LOG_LEVELS: readonly unknown[] = [
	'debug',
	'info',
	'notice',
	'warning',
	'error',
	'critical',
	'alert',
	'emergency',
];

/** Returns the response for the client. The SDK has no handler for subscriptions: sessions have. */
export function answered(message: JsonObject, response: JsonObject, server: SdkServer): JsonObject {
	const isUnhandled = isObject(response.error) && response.error.code === METHOD_NOT_FOUND;
	if (!isUnhandled || !isSubscription(methodOf(message))) return response;
	const canSubscribe = protocolServer(server).getCapabilities().resources?.subscribe === true;
	return canSubscribe ? { jsonrpc: '2.0', id: message.id, result: {} } : response;
}

/** Stores what a client has declared or set, which a server of the SDK holds in memory. */
export function storeResult(
	info: InfoSessionManager,
	session: string,
	message: JsonObject,
	response: JsonObject,
): void {
	if (response.error !== undefined) return;
	// Safe because the server has accepted the params.
	const { capabilities, clientInfo, level, uri } = paramsOf(message) as Readonly<
		Record<'capabilities' | 'clientInfo' | 'level' | 'uri', never>
	>;
	switch (methodOf(message) ?? '') {
		case 'initialize':
			info.setClientCapabilities(session, capabilities);
			info.setClientInfo(session, clientInfo);
			break;
		case 'logging/setLevel':
			info.setLogLevel(session, level);
			break;
		case 'resources/subscribe':
			info.addSubscription(session, uri);
			break;
		case 'resources/unsubscribe':
			info.removeSubscription(session, uri);
			break;
		default:
	}
}

function isSubscription(method: string | undefined): boolean {
	return method === 'resources/subscribe' || method === 'resources/unsubscribe';
}

/** Repeats the client's `initialize` for a server that was created after the session was opened. */
export function initializeRequest(capabilities: unknown, clientInfo: unknown): JsonObject {
	const params = {
		protocolVersion: PROTOCOL_VERSION,
		capabilities: isObject(capabilities) ? capabilities : {},
		clientInfo: isObject(clientInfo) ? clientInfo : UNKNOWN_CLIENT,
	};
	return { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
}

/**
 * Whether a notification is for the client: a log message has at least the level that it has set
 * (default: `info`), and a cancellation of a server request names an id that it does not know.
 */
export function isForClient(message: JsonObject, minimum: unknown = 'info'): boolean {
	const method = methodOf(message);
	if (method !== 'notifications/message') return method !== 'notifications/cancelled';
	return LOG_LEVELS.indexOf(paramsOf(message)['level']) >= LOG_LEVELS.indexOf(minimum);
}
