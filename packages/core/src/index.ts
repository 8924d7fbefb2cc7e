export {
	BindingError,
	CorruptRecordError,
	InvalidSessionIdError,
	StoreError,
	TmcpSessionsError,
	reasonOf,
	reportToConsole,
} from './errors.ts';
export type { ErrorCode, ErrorReporter } from './errors.ts';
export { currentScope, runInScope } from './request-scope.ts';
export type { RequestScope } from './request-scope.ts';
export type {
	ClientCapabilities,
	ClientInfo,
	LogLevel,
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from './session-store.ts';
