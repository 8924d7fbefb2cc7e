export type { SseHandlerOptions } from './options.ts';
export { createSseHandler } from './sse-handler.ts';
