import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { PACKAGE } from './package-name.ts';

/** A change to publish: that of a list, or that of the resource with a URI. */
export type Change = 'prompts' | 'resources' | 'tools' | { readonly uri: string };

/** As long as the URI of a subscription may be. */
const MAX_URI_LENGTH = 2_048;

/**
 * Returns the notification of a change.
 *
 * @throws {TmcpSessionsError} `configuration`, if the change is invalid.
 */
export function notificationOf(change: Change): JSONRPCRequest {
	// Safe because callers may be JavaScript.
	const given: unknown = change;
	if (given === 'prompts' || given === 'resources' || given === 'tools') {
		return { jsonrpc: '2.0', method: `notifications/${given}/list_changed`, params: {} };
	}
	if (typeof given !== 'object' || given === null || !('uri' in given)) {
		const found = typeof given === 'string' ? JSON.stringify(given.slice(0, 100)) : typeof given;
		throw mistake(`a change must be 'tools', 'prompts', 'resources' or { uri }; got ${found}`);
	}
	const { uri } = given;
	if (typeof uri !== 'string' || !URL.canParse(uri)) {
		const found = typeof uri === 'string' ? JSON.stringify(uri.slice(0, 100)) : typeof uri;
		throw mistake(`uri must be an absolute URI such as notes://1; got ${found}`);
	}
	if (uri.length > MAX_URI_LENGTH) {
		throw mistake(`uri must have at most ${MAX_URI_LENGTH} characters; got ${uri.length}`);
	}
	return { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } };
}

function mistake(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, `publishing a change: ${message}`);
}
