export { SealedInfoSessionManager } from './sealed-info-session-manager.ts';
export type { SealedInfoOptions } from './sealed-info-session-manager.ts';
