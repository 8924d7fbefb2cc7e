export type { Caller } from './callers.ts';
export type {
	CompleteAnswer,
	HandlerSeams,
	Route,
	RoutedRequest,
	SessionNames,
} from './handler-seams.ts';
export { overridden } from './overridden.ts';
export { Refusal, unknownSession } from './refusal.ts';
export type { RefusalDetail } from './refusal.ts';
export type { JsonObject } from './message.ts';
export type { RequestHeaders } from './request-headers.ts';
