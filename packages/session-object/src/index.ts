export type { Artifact, ArtifactInfo, SessionArtifacts } from './artifacts.ts';
export type { CallInFlight, ResumeCall, SessionCalls, ToolResult } from './calls-in-flight.ts';
export { ArchiveError, SessionAuthError, SessionStateError } from './errors.ts';
export { objectName } from './identity.ts';
export type { Identity } from './identity.ts';
export type { LifetimeOptions } from './lifetime.ts';
export type { Placement, SessionObjectBinding } from './objects.ts';
export { restoreSession } from './restore-session.ts';
export type { Session, SessionServer } from './session.ts';
export type { AuthTokens, RefreshAuth, SessionAuth } from './session-auth.ts';
export type {
	ContextLimits,
	ContextSchemas,
	ContextValues,
	SessionContext,
} from './session-context.ts';
export { SessionObject } from './session-object.ts';
export { sessionRouter } from './session-router.ts';
export type { Identify, SessionRouterOptions } from './session-router.ts';
export type { SessionSettings } from './session-settings.ts';
export type { ServeSse, SseServingOptions } from './sse-serving.ts';
