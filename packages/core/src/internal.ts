// For packages of this family: it changes with them, without a promise.
export { fromBase64Url, toBase64Url } from './ids/base64url.ts';
export type { SessionIdOptions, SessionIds } from './ids/session-ids.ts';
export { createSessionIds } from './ids/session-ids.ts';
export type { ClientLocation } from './placement/region-of-client.ts';
export { regionOfClient } from './placement/region-of-client.ts';
