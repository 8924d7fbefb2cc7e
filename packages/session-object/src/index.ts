export type { Change } from './change.ts';
export type { Artifact, ArtifactInfo, SessionArtifacts } from './features/artifacts.ts';
export type {
	InterruptedCall,
	ResumeCall,
	SessionCalls,
	ToolResult,
} from './features/call-journal.ts';
export { ArchiveError, SessionAuthError, SessionStateError } from './errors.ts';
export { objectName } from './worker/identity.ts';
export type { Identity } from './worker/identity.ts';
export type { LifetimeOptions } from './object/lifetime.ts';
export type { Placement, SessionObjectBinding } from './worker/object-namespace.ts';
export { publishChange } from './worker/publish-change.ts';
export type { PublishOptions } from './worker/publish-change.ts';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';
export { restoreSession } from './worker/restore-session.ts';
export type { Session, SessionServer } from './object/session.ts';
export type { AuthTokens, RefreshAuth, SessionAuth } from './features/session-auth.ts';
export type {
	ContextLimits,
	ContextSchemas,
	ContextValues,
	SessionContext,
} from './features/session-context.ts';
export { SessionObject } from './object/session-object.ts';
export { createSessionRouter } from './worker/create-session-router.ts';
export type { Identify, SessionRouterOptions } from './worker/create-session-router.ts';
export type { SessionSettings } from './object/session-settings.ts';
