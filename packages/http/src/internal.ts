// What the handler of another transport is made of. For packages of this family: it changes with them.
export { composeHandler } from './compose-handler.ts';
export type { HandlerComposition } from './endpoint/composition.ts';
export { createCallRunner } from './create-call-runner.ts';
export type { CallRunnerOptions, RoutedCall, RunCall } from './calls/routed-call.ts';
export { toResponse } from './response/answer.ts';
export type { Answer, PlainAnswer } from './response/answer.ts';
export type { LegacySse, SseCallRunnerOptions, SseComposition } from './legacy-sse/legacy-sse.ts';
export { respondOrReject } from './endpoint/respond-or-reject.ts';
export { claimBroadcasts } from './transport/broadcasts.ts';
export { isCancellation } from './calls/in-flight-calls.ts';
export type { InFlightCalls } from './calls/in-flight-calls.ts';
export { createInFlightCalls } from './calls/create-in-flight-calls.ts';
export { resolveOptions, DEFAULT_CLIENT_RESPONSE_TIMEOUT_SECONDS } from './resolve-options.ts';
export type { ResolvedOptions } from './resolve-options.ts';
export { corsOptions, withCors } from './response/cors.ts';
export type {
	AnswerHeaders,
	CompleteAnswer,
	HandlerSeams,
	Route,
	RoutedRequest,
	SessionIdIssuer,
} from './endpoint/handler-seams.ts';
export {
	negotiateResponseType,
	checkProtocolVersion,
	sessionBasedOnly,
} from './validation/headers.ts';
export { liveResponse } from './response/sse.ts';
export type { Frames } from './response/sse.ts';
export { isClientResponse, isObject, methodOf, idOf } from './request/json-rpc.ts';
export type { JsonObject } from './request/json-rpc.ts';
export { readMessage } from './validation/body.ts';
export { checkIds, checkInitialize } from './validation/messages.ts';
export { withOverrides } from './transport/with-overrides.ts';
export {
	errorMessage,
	invalidRequest,
	HttpRejection,
	rejectionDetailOf,
	unknownSession,
} from './request/http-rejection.ts';
export { checkStoredParams } from './validation/stored-params.ts';
export { RequestContext } from './request/request-context.ts';
export { checkKeysOfProcess, sessionKeys } from './session/session-keys.ts';
export type { SessionKeepAlive } from './session/session-keep-alive.ts';
export type { SentBy, SseSeams } from './legacy-sse/sse-seams.ts';
export { isStateless } from './validation/stateless-requests.ts';
export { currentContext, createTrackedServer } from './transport/tracked-server.ts';
