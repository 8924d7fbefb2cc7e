export { createSdkHandler } from './create-sdk-handler.ts';
export type { SdkHandler, SdkHandlerOptions, SdkNotifier } from './create-sdk-handler.ts';
export { createEventBus } from './create-event-bus.ts';
export type { EventBusOptions } from './create-event-bus.ts';
export { sdkServer } from './session-object/sdk-server.ts';
export type { SdkServerFactory } from './session-object/sdk-server.ts';
export type { SdkServer } from './server/sdk-server.ts';
