import { BoundedSubscriptionManager } from '@tmcp-sessions/core/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';

import type {
	ConnectedExtension,
	ExtensionAccess,
	ServerExtension,
	ServerPlace,
} from './endpoint/server-extension.ts';
import type { MessageServer } from './endpoint/message-server.ts';
import type { McpHandlerOptions } from './options.ts';
import type { StateSecrets } from './request-state/default-sealing.ts';
import { secretsOf } from './session/session-keys.ts';
import type { SessionKeys } from './session/session-keys.ts';
import { ObservedServer } from './telemetry/observed-server.ts';
import type { HandlerTelemetry } from './telemetry/options.ts';

type Options = Pick<McpHandlerOptions, 'subscriptions' | 'tasks'> & { readonly context?: unknown };

/** What a handler has only after its extension was connected. */
interface LateParts {
	readonly access: ExtensionAccess;
	/** Undefined before the first request, and in an object. */
	readonly keys?: SessionKeys | undefined;
}

/** What an extension depends on besides its options. */
export interface ExtensionDeps {
	readonly report: (error: unknown) => void;
	/** Called when the handler serves a request. */
	readonly late: () => LateParts;
	readonly place: ServerPlace;
	/** Default: the session keys. */
	readonly objectSecrets?: StateSecrets | undefined;
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
 * @throws {TmcpSessionsError} `configuration` if the extension does not fit the handler.
 */
export function connectExtension(
	{ context, subscriptions, tasks }: Options,
	{ late, objectSecrets, place, report }: ExtensionDeps,
): ExtendedHandler {
	// Safe because only packages of this family implement it.
	const given = tasks as ServerExtension | undefined;
	const extension = given?.connect({
		place,
		hasContext: context !== undefined,
		secrets: (request, to) =>
			objectSecrets?.(to) ?? secretsOf(late().keys, request?.origin.request),
		runInBackground: (call) => late().access.runInBackground(call),
		respond: (response) => late().access.respond(response),
		clientMetadata: (request) => late().access.clientMetadata(request),
		sendRequest: (request, message, write) => late().access.sendRequest(request, message, write),
		hasTool: (name, call) => late().access.hasTool(name, call),
		elicit: (message, schema) => late().access.elicit(message, schema),
		progress: (count, message) => late().access.progress(count, message),
		report,
	});
	if (!extension) return { extension, subscriptions };
	const manager = subscriptions ?? new BoundedSubscriptionManager();
	return { extension, subscriptions: extension.wrapSubscriptions(manager) };
}

/** Returns the server of a handler with its extension, observed. */
export function wrapServer<Custom>(
	server: MessageServer<Custom>,
	extension: ConnectedExtension | undefined,
	telemetry: HandlerTelemetry | undefined,
): MessageServer<Custom> {
	return new ObservedServer(extension?.wrapServer(server) ?? server, telemetry);
}
