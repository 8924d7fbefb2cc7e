export { sdkServer } from './sdk-server.ts';
export type { SdkServer, SdkTransport } from './sdk-types.ts';
