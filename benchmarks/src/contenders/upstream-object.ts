export { SyncLayer as UpstreamSyncLayer } from '@tmcp/session-manager-durable-objects';
