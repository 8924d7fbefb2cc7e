export { createLegacySse } from './create-legacy-sse.ts';
export type { SsePaths } from './create-legacy-sse.ts';
export { createSseHandler } from './create-sse-handler.ts';
export type { LegacySse } from './legacy-sse.ts';
export type { SseHandlerOptions } from './options.ts';
