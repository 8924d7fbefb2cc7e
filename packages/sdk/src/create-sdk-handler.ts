import type { McpServerFactory } from '@modelcontextprotocol/server';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import {
	checkManagers,
	checkOptionNames,
	createHandler,
	ELSEWHERE,
	HANDLER_OPTIONS,
} from '@tmcp-sessions/http/server';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http/server';

import { notificationOf } from './changes/notifications.ts';
import { configurationError } from './configuration-error.ts';
import { createSdkBackend } from './create-sdk-backend.ts';
import type { SdkBackend } from './create-sdk-backend.ts';
import { PACKAGE } from './package-name.ts';

/** Options of `createSdkHandler`: those of `createMcpHandler`. The factory gets the request itself. */
export type SdkHandlerOptions = Omit<McpHandlerOptions, 'context'>;

/** Notifies clients of changes, in every isolate. Each promise resolves when the change is sent. */
export interface SdkNotifier {
	toolsChanged(): Promise<void>;
	promptsChanged(): Promise<void>;
	resourcesChanged(): Promise<void>;
	/** Notifies the sessions and the subscriptions that have subscribed to the uri. */
	resourceUpdated(uri: string): Promise<void>;
}

/** A handler, to export as the default of a Worker. */
export interface SdkHandler extends McpHandler {
	/** Works in requests, and outside of one: in a cron job or a queue consumer. */
	readonly notify: SdkNotifier;
}

const OWNER = 'createSdkHandler';
const { context: _context, ...names } = HANDLER_OPTIONS;
const SDK_HANDLER_OPTIONS: OptionNames<SdkHandlerOptions> = names;

/** What the SDK's `createMcpHandler` calls otherwise, or does not need here. */
const OF_THE_SDK = {
	...ELSEWHERE,
	bus: 'subscriptions',
	context: 'the argument of the factory',
	keepAliveMs: 'keepAliveSeconds',
	legacy: 'eras',
	maxRequestBodySize: 'maxBodyBytes',
	onerror: 'onError',
};

/**
 * Creates a handler that serves servers of the official SDK over Streamable HTTP, in both eras of the
 * protocol. Promises that a request starts keep it alive, also after its answer.
 *
 * @param factory creates a `McpServer` of `@modelcontextprotocol/server` 2.x with all its tools. It is
 * called for each message, as in `createMcpHandler` of the SDK.
 * @throws {TmcpSessionsError} `configuration` if the factory is no function, a number is out of range, a
 * key is too short, an option has an unknown name or a manager of another kind, or `oauth` comes without
 * `principal`.
 */
export function createSdkHandler(
	factory: McpServerFactory,
	options: SdkHandlerOptions = {},
): SdkHandler {
	checkOptionNames(options);
	rejectUnknownOptions(options, SDK_HANDLER_OPTIONS, PACKAGE, OWNER, OF_THE_SDK);
	checkManagers(options);
	if (typeof factory !== 'function') {
		const found = factory === null ? 'null' : `a value of type ${typeof factory}`;
		throw configurationError(
			`createSdkHandler needs a function that creates a McpServer; got ${found}. Write () => createServer()`,
		);
	}
	const { backend, handler } = connect(factory, options);
	const { broadcast } = backend;
	return {
		fetch: (request, env, context) => handler.fetch(request, env, context),
		notify: {
			toolsChanged: () => broadcast(notificationOf({ kind: 'tools_list_changed' })),
			promptsChanged: () => broadcast(notificationOf({ kind: 'prompts_list_changed' })),
			resourcesChanged: () => broadcast(notificationOf({ kind: 'resources_list_changed' })),
			resourceUpdated: (uri) => broadcast(notificationOf({ kind: 'resource_updated', uri })),
		},
	};
}

function connect(
	factory: McpServerFactory,
	options: SdkHandlerOptions,
): { readonly backend: SdkBackend; readonly handler: McpHandler } {
	const connected: SdkBackend[] = [];
	const handler = createHandler(options, {
		owner: OWNER,
		connect(backendOptions) {
			const created = createSdkBackend(factory, backendOptions);
			connected.push(created);
			return created;
		},
	});
	const [backend] = connected;
	if (!backend) throw new Error('expected the handler to connect a server; it did not');
	return { backend, handler };
}
