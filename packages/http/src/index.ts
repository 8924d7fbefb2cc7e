export type { Principal } from '@tmcp-sessions/core';

export { createMcpHandler } from './create-mcp-handler.ts';
export type {
	AuthorizeSubscription,
	Eras,
	ExecutionContextLike,
	HandlerExtension,
	McpHandler,
	McpHandlerOptions,
	OAuthHelper,
	PlacementOptions,
	PrincipalOf,
	SubscriptionContext,
} from './options.ts';
export type { HandlerTelemetry, MessageObserver, ObservedMessage } from './telemetry/options.ts';
export { requestRoots } from './transport/request-roots.ts';
export type { Root } from './transport/session-roots.ts';
export { createRequestStateCodec, RequestStateError } from './request-state/codec.ts';
export type { RequestStateCodec, RequestStateCodecOptions } from './request-state/codec.ts';
