// What the handler of another transport is made of. For packages of this family: it changes with them.
export { answerOrRefusal } from './endpoint/respond-or-reject.ts';
export { takeBroadcasts } from './transport/broadcasts.ts';
export { isCancellation } from './calls/in-flight-calls.ts';
export type { CallsAtWork } from './calls/in-flight-calls.ts';
export { callsOfServer } from './calls/create-in-flight-calls.ts';
export { checkedOptions, DEFAULT_ANSWER_SECONDS } from './resolve-options.ts';
export type { CheckedOptions } from './resolve-options.ts';
export { corsOptions, withCors } from './response/cors.ts';
export type {
	AnswerHeaders,
	CompleteAnswer,
	HandlerSeams,
	Route,
	RoutedRequest,
	SessionNames,
} from './endpoint/handler-seams.ts';
export { acceptedAnswer, checkProtocolVersion, onlySessions } from './validation/headers.ts';
export { liveResponse } from './response/sse.ts';
export type { Frames } from './response/sse.ts';
export { isAnswer, isObject, methodOf, idOf } from './request/json-rpc.ts';
export type { JsonObject } from './request/json-rpc.ts';
export { readMessage } from './validation/body.ts';
export { checkIds, checkInitialize } from './validation/messages.ts';
export { overridden } from './transport/with-overrides.ts';
export {
	errorMessage,
	invalidRequest,
	Refusal,
	refusalDetailOf,
	unknownSession,
} from './request/http-rejection.ts';
export { checkRememberedParams } from './validation/stored-params.ts';
export { RequestWork } from './request/request-context.ts';
export { checkKeysOfProcess, sessionKeys } from './session/session-keys.ts';
export type { SessionWatch } from './session/session-keep-alive.ts';
export type { SentBy, SseSeams } from './legacy-sse/sse-seams.ts';
export { isStateless } from './validation/stateless-requests.ts';
export { currentWork, trackedServer } from './transport/tracked-server.ts';
