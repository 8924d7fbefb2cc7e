export type { LegacySse } from './legacy-sse.ts';
export { createLegacySse } from './create-legacy-sse.ts';
export type { SsePaths } from './create-legacy-sse.ts';
export type { SseHandlerOptions } from './options.ts';
export { createSseHandler } from './sse-handler.ts';
