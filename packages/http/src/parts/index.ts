// What the handler of another transport is made of. For packages of this family: it changes with them.
export { answerOrRefusal } from '../answer-or-refusal.ts';
export { takeBroadcasts } from '../broadcasts.ts';
export { isCancellation } from '../calls-at-work.ts';
export type { CallsAtWork } from '../calls-at-work.ts';
export { callsOfServer } from '../calls-of-server.ts';
export { checkedOptions, DEFAULT_ANSWER_SECONDS } from '../checked-options.ts';
export type { CheckedOptions } from '../checked-options.ts';
export { corsOptions, withCors } from '../cors-headers.ts';
export type {
	AnswerHeaders,
	CompleteAnswer,
	HandlerSeams,
	Route,
	RoutedRequest,
	SessionNames,
} from '../handler-seams.ts';
export { acceptedAnswer, checkProtocolVersion, onlySessions } from '../header-rules.ts';
export { liveResponse } from '../live-response.ts';
export type { Frames } from '../live-response.ts';
export { isAnswer, isObject, methodOf, idOf } from '../message.ts';
export type { JsonObject } from '../message.ts';
export { readMessage } from '../message-body.ts';
export { checkIds, checkInitialize } from '../message-rules.ts';
export { overridden } from '../overridden.ts';
export {
	errorMessage,
	invalidRequest,
	Refusal,
	refusalDetailOf,
	unknownSession,
} from '../refusal.ts';
export { checkRememberedParams } from '../remembered-params.ts';
export { RequestWork } from '../request-work.ts';
export { checkKeysOfProcess, sessionKeys } from '../session-keys.ts';
export type { SessionWatch } from '../session-watch.ts';
export type { SentBy, SseSeams } from '../sse-seams.ts';
export { isStateless } from '../stateless-rules.ts';
export { currentWork, trackedServer } from '../tracked-server.ts';
