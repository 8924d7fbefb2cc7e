import { BoundedSubscriptionManager } from '@tmcp-sessions/core/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';

import type {
	ConnectedExtension,
	ExtensionAccess,
	ServerExtension,
} from './endpoint/server-extension.ts';
import type { McpHandlerOptions } from './options.ts';
import { checkKeysOfProcess } from './session/session-keys.ts';
import type { SessionKeys } from './session/session-keys.ts';

type Options = Pick<McpHandlerOptions, 'subscriptions' | 'tasks'> & { readonly context?: unknown };

/** What a handler has only after its extension was connected. */
export interface LateParts {
	readonly access: ExtensionAccess;
	/** Undefined before the first request. */
	readonly keys: SessionKeys | undefined;
}

/** The extension of a handler, and the manager of subscriptions with its notifications. */
export interface ExtendedHandler {
	readonly extension: ConnectedExtension | undefined;
	/** Undefined for the default. */
	readonly subscriptions: SubscriptionManager | undefined;
}

/**
 * Connects the extension of a handler, if it has one.
 *
 * @param late is called when the handler serves a request.
 * @throws {TmcpSessionsError} `configuration` if the extension does not fit the handler.
 */
export function connectExtension(
	{ context, subscriptions, tasks }: Options,
	report: (error: unknown) => void,
	late: () => LateParts,
): ExtendedHandler {
	// Safe because only packages of this family implement it.
	const given = tasks as ServerExtension | undefined;
	const extension = given?.connect({
		hasContext: context !== undefined,
		secrets: ({ origin }) => sharedSecrets(late().keys, origin.request),
		runInBackground: (call) => late().access.runInBackground(call),
		respond: (response) => late().access.respond(response),
		clientMetadata: (request) => late().access.clientMetadata(request),
		sendRequest: (request, message, write) => late().access.sendRequest(request, message, write),
		hasTool: (name) => late().access.hasTool(name),
		elicit: (message, schema) => late().access.elicit(message, schema),
		report,
	});
	if (!extension) return { extension, subscriptions };
	const manager = subscriptions ?? new BoundedSubscriptionManager();
	return { extension, subscriptions: extension.wrapSubscriptions(manager) };
}

/** @throws {TmcpSessionsError} `configuration` if the host of a request needs keys that are missing. */
function sharedSecrets(
	keys: SessionKeys | undefined,
	request: Request | undefined,
): readonly string[] {
	if (keys?.isOfThisProcess && request) checkKeysOfProcess(new URL(request.url));
	return keys?.secrets ?? [];
}
