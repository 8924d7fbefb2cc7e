// For packages of this family. No promise of stability.

// Composing handlers.
export { isAnsweredAtOnce } from './calls/answered-at-once.ts';
export { composeHandler } from './compose-handler.ts';
export type { HandlerComposition, Route, RoutedRequest } from './endpoint/route.ts';
export type { SessionIdIssuer } from './session/session-identifier.ts';
export { createCallRunner } from './create-call-runner.ts';
export type { CallRunner, CallRunnerOptions, RoutedCall, RunCall } from './calls/routed-call.ts';
export type { LegacySse, SseCallRunnerOptions, SseComposition } from './legacy-sse/legacy-sse.ts';
export { ROUTED_HEADERS } from './endpoint/routed-request.ts';
export { toResponse } from './response/answer.ts';
export type { Answer, PlainAnswer } from './response/answer.ts';

// Extending handlers.
export type { MessageServer, ServerInput } from './endpoint/message-server.ts';
export type {
	BackgroundCall,
	ClientMetadata,
	ConnectedExtension,
	ExtensionHost,
	ServerExtension,
	ServerPlace,
} from './endpoint/server-extension.ts';
export {
	CLIENT_CAPABILITIES_KEY,
	CLIENT_INFO_KEY,
	HEADER_MISMATCH,
	LOG_LEVEL_KEY,
	MISSING_CAPABILITY,
} from './validation/stateless-requests.ts';
export { checkMirroredHeaders } from './validation/mirrored-headers.ts';

// Options.
export { endpointPath } from './endpoint/endpoint-path.ts';
export {
	checkOptionNames,
	DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS,
	resolveOptions,
} from './resolve-options.ts';

// Requests and messages.
export { currentContext, isBackgroundCall } from './request/request-context.ts';
export type { RequestContext } from './request/request-context.ts';
export {
	errorMessage,
	HttpRejection,
	invalidParams,
	isMistake,
	localRejection,
	unknownSession,
} from './request/http-rejection.ts';
export {
	idOf,
	isClientResponse,
	isObject,
	metadataOf,
	methodOf,
	paramsOf,
	requestIdIn,
} from './request/json-rpc.ts';
export type { ClientResponse, JsonObject } from './request/json-rpc.ts';
export { sessionBasedOnly } from './validation/headers.ts';
export { authorizedNotifications } from './backend/authorized-subscriptions.ts';
export { withOverrides } from './backend/with-overrides.ts';
