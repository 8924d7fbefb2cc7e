import type { OptionNames } from '@tmcp-sessions/core/internal';

import type { McpHandlerOptions, PlacementOptions } from './options.ts';

/** The names of the options that the handlers of all transports share. */
export const SHARED_OPTIONS = {
	allowedHosts: 1,
	authorizeSubscription: 1,
	clientOf: 1,
	clientResponseTimeoutSeconds: 1,
	context: 1,
	cors: 1,
	info: 1,
	keepAliveSeconds: 1,
	maxBodyBytes: 1,
	oauth: 1,
	onError: 1,
	path: 1,
	placement: 1,
	principal: 1,
	recheckSeconds: 1,
	sessionKeys: 1,
	streams: 1,
} as const;

/** The names of the options of `createMcpHandler`. */
export const HANDLER_OPTIONS: OptionNames<McpHandlerOptions> = {
	...SHARED_OPTIONS,
	eras: 1,
	subscriptions: 1,
	tasks: 1,
	telemetry: 1,
};

/** What is called otherwise in the handlers of tmcp, `agents` and the official SDK. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
	endpoint: 'path',
	route: 'path',
	sessionManager: 'streams and info',
	subscriptionManager: 'subscriptions',
};

/** The names of the option `placement`. */
export const PLACEMENT_OPTIONS: OptionNames<PlacementOptions> = { shards: 1, region: 1 };
