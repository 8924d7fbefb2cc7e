// What a package needs to serve servers of another library. Imports no value of tmcp or of its transports.

// The handler.
export { createHandler } from './create-handler.ts';
export type { HandlerParts } from './create-handler.ts';
export { checkManagers } from './check-managers.ts';
export { ELSEWHERE, HANDLER_OPTIONS } from './option-names.ts';
export { checkOptionNames } from './resolve-options.ts';
export type { AuthorizeSubscription, McpHandler, McpHandlerOptions } from './options.ts';

// The seam.
export type { MessageServer, ServerInput } from './endpoint/message-server.ts';
export type { ConnectServer, ServerBackend, ServerBackendDeps } from './endpoint/server-backend.ts';
export type { ClientMetadata, ExtensionAccess } from './endpoint/server-extension.ts';

// Calls.
export { isAnsweredAtOnce } from './calls/answered-at-once.ts';
export { followClient } from './calls/follow-client.ts';
export { createCalls } from './backend/create-calls.ts';
export { answerDirectly, isDirect, readInfo } from './calls/direct-calls.ts';
export type { HandleMessage } from './calls/direct-calls.ts';
export type { InFlightCalls, ResponseReceiver } from './calls/in-flight-calls.ts';
export { onAbort } from './calls/on-abort.ts';
export { runInBackground } from './backend/background-calls.ts';
export { ExtensionRequests } from './backend/extension-requests.ts';
export { isWithheld } from './backend/withheld-response.ts';

// Sessions, streams and subscriptions.
export { authorizedMessage } from './backend/authorized-subscriptions.ts';
export { canFlush } from './backend/flush.ts';
export type { Flushable } from './backend/flush.ts';
export { supportOf, withSupport } from './backend/initialize-result.ts';
export { keepAlive } from './backend/keep-alive.ts';
export { runAsOneBroadcast } from './backend/one-broadcast.ts';
export { bindSubscriptionsToRequest } from './backend/request-bound-subscriptions.ts';
export { endResumedCalls } from './backend/resumed-streams.ts';

// Request states.
export { hasInput, openedInput, requiresInput, sealedInput } from './backend/stateless-inputs.ts';
export type { StateSealing } from './backend/stateless-inputs.ts';

// Requests and messages.
export { STREAM_HEADERS } from './response/complete-answer.ts';
export { inOneLine } from './response/in-one-line.ts';
export { invalidRequestError } from './validation/invalid-params.ts';
export { transportRequest } from './transport/transport-request.ts';
export { currentContext } from './request/request-context.ts';
export type { RequestContext } from './request/request-context.ts';
export { HttpRejection, invalidRequest } from './request/http-rejection.ts';
export {
	idOf,
	isClientResponse,
	isObject,
	isValidId,
	methodOf,
	paramsOf,
} from './request/json-rpc.ts';
export type { ClientResponse, JsonObject, ServerRequest } from './request/json-rpc.ts';
export { checkParameterHeaders } from './validation/mirrored-headers.ts';
